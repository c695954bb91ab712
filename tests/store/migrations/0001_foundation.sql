-- Rows as a broker of schema version 1 writes them. Sealed columns hold text that nothing opens.
INSERT INTO meta (key, value) VALUES ('broker_id', 'a1b2c3d4'), ('canary', '00000000:c2VhbGVk');
INSERT INTO subjects (key, seq) VALUES ('0123456789abcdef', 3), ('shared', 2);
INSERT INTO instances (key, platform, id, tenant, name, offering_id, plan_id, organization_guid,
    space_guid, parameters, context, maintenance_version, state, usable, workload, was_ready,
    created_at, updated_at)
VALUES ('0123456789abcdef', 'cf', 'i-1', 'cf/org-1', 'cache', 'offering-redis', 'plan-small',
    'org-1', 'space-1', '{"a":1}', '{}', NULL, 'ready', 1, '00000000:c2VhbGVk', 1,
    1700000000000, 1700000000001);
INSERT INTO removed_instances (instance, removed_at) VALUES ('fedcba9876543210', 1700000000000);
INSERT INTO bindings (key, instance, id, offering_id, plan_id, app_guid, parameters, context,
    username, password, state, created_at)
VALUES ('00112233445566aa', '0123456789abcdef', 'b-1', 'offering-redis', 'plan-small', 'app-1',
    '{}', '{}', 'b00112233445566aa', '00000000:c2VhbGVk', 'ready', 1700000000002);
INSERT INTO operations (id, subject, seq, kind, instance, binding, target, state, phase, step,
    attempts, run_after, deadline, description, instance_usable, update_repeatable, created_at,
    finished_at, lease_token, lease_until)
VALUES
    ('op-1', '0123456789abcdef', 1, 'provision', '0123456789abcdef', NULL, NULL, 'succeeded',
     'forward', 4, 0, 1700000000000, 1700000600000, 'done', NULL, NULL, 1700000000000,
     1700000000001, '', 0),
    ('op-2', '00112233445566aa', 2, 'bind', '0123456789abcdef', '00112233445566aa', NULL,
     'running', 'forward', 1, 1, 1700000000002, 1700000600000, '', NULL, NULL, 1700000000002,
     NULL, 'token', 1700000030000),
    ('op-3', '0123456789abcdef', 3, 'update', '0123456789abcdef', NULL, '00000000:c2VhbGVk',
     'failed', 'undo', 3, 2, 1700000000003, 1700000600000, 'no space', 1, 0, 1700000000003,
     1700000000009, '', 0);
INSERT INTO ports (port, instance, name) VALUES (20000, '0123456789abcdef', 'redis');
INSERT INTO ports_held_back (port, until) VALUES (20001, 1700003600000);
INSERT INTO subnets (tenant, network) VALUES ('cf/org-1', '10.213.0.0/28');
INSERT INTO audit (id, recorded_at, platform, identity, request, action, instance, binding,
    operation)
VALUES ('0190a1b2-0000-7000-8000-000000000000', 1700000000000, 'cf', '', '', 'provision', 'i-1',
    '', 'op-1');
