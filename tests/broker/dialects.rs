//! The platforms as they really speak (§3.9): each a whole life of an instance and its bindings, with
//! the headers, bodies and polling of its own, in each of the ways a broker may answer.

mod checkers;
mod cloud_controller;
mod eden;
mod korifi;
mod platform;
mod service_catalog;
mod service_manager;

use self::platform::{Way, live};

/// A platform's life in all three ways.
macro_rules! lives {
    ($($name:ident: $platform:expr;)*) => {$(
        mod $name {
            use super::*;

            #[test]
            fn polled() {
                live(&$platform, Way::Polled);
            }

            #[test]
            fn waited() {
                live(&$platform, Way::Waited);
            }

            #[test]
            fn synchronous() {
                live(&$platform, Way::Synchronous);
            }

            #[test]
            fn unpolled() {
                live(&$platform, Way::Unpolled);
            }
        }
    )*};
}

lives! {
    as_cloud_controller: cloud_controller::CloudController;
    as_eden: eden::Eden;
    as_korifi: korifi::Korifi;
    as_service_catalog: service_catalog::ServiceCatalog;
    as_service_manager: service_manager::ServiceManager;
    as_the_go_checker: checkers::Go;
    as_the_javascript_checker: checkers::JavaScript;
    as_the_kotlin_checker: checkers::Kotlin;
}
