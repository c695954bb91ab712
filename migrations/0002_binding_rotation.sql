-- Bindings that take over from others, and bindings that end by themselves.
ALTER TABLE bindings ADD COLUMN predecessor TEXT;
ALTER TABLE bindings ADD COLUMN expires_at BIGINT;
ALTER TABLE bindings ADD COLUMN renew_before BIGINT;
CREATE INDEX bindings_by_expiry ON bindings (expires_at);

-- Whether an instance is usable is told by its newest operation.
ALTER TABLE instances DROP COLUMN usable;
