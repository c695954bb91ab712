//! Every engine against the real thing: what [`banquet::engine::Engine`] promises, then what is
//! particular to each. Needs Docker and the images of `catalog/*/image`, named as in [`live`].

mod contract;
mod images;
mod live;
mod postgres;
mod redis;
