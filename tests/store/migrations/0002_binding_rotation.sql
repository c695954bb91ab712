-- Rows as a broker of schema version 2 writes them, beside those of version 1.
INSERT INTO bindings (key, instance, id, offering_id, plan_id, app_guid, parameters, context,
    username, password, state, created_at, predecessor, expires_at, renew_before)
VALUES ('00112233445566bb', '0123456789abcdef', 'b-2', 'offering-redis', 'plan-small', 'app-1',
    '{"expires_in_s":3600}', '{}', 'b00112233445566bb', '00000000:c2VhbGVk', 'ready', 1700000000003,
    'b-1', 1700003600003, 1700002880003);
