-- A store of schema 7, for both databases: {id} is how each counts its rows.
CREATE TABLE jobs (
    id {id},
    kind VARCHAR(40) NOT NULL,
    "key" VARCHAR(200),
    host VARCHAR(200),
    state VARCHAR(10) NOT NULL,
    request TEXT NOT NULL,
    network VARCHAR(200),
    dataset VARCHAR(80),
    setting VARCHAR(64),
    result TEXT,
    study VARCHAR(80),
    message TEXT NOT NULL,
    created_at FLOAT NOT NULL,
    started_at FLOAT,
    finished_at FLOAT,
    attempt INTEGER NOT NULL,
    attempt_started_at FLOAT,
    spent_seconds FLOAT NOT NULL,
    deaths INTEGER NOT NULL,
    early_deaths INTEGER NOT NULL,
    has_stepped BOOLEAN NOT NULL,
    heartbeat_at FLOAT,
    lease_until FLOAT,
    worker TEXT,
    stop_requested BOOLEAN NOT NULL,
    progress TEXT,
    best_epoch INTEGER,
    best_accuracy FLOAT,
    machine TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    compute_plan TEXT,
    checkpoint TEXT,
    best_file TEXT,
    dead_parameters TEXT,
    source TEXT,
    note TEXT NOT NULL
);
CREATE INDEX ix_jobs_dataset ON jobs (dataset);
CREATE UNIQUE INDEX ix_jobs_key ON jobs ("key");
CREATE INDEX ix_jobs_kind ON jobs (kind);
CREATE INDEX ix_jobs_network ON jobs (network);
CREATE INDEX ix_jobs_setting ON jobs (setting);
CREATE INDEX ix_jobs_state ON jobs (state);
CREATE INDEX ix_jobs_study ON jobs (study);
CREATE TABLE lab (
    name VARCHAR(40) NOT NULL,
    value TEXT,
    PRIMARY KEY (name)
);
CREATE TABLE studies (
    id VARCHAR(80) NOT NULL,
    kind VARCHAR(20) NOT NULL,
    title TEXT NOT NULL,
    settings TEXT NOT NULL,
    created_at FLOAT NOT NULL,
    PRIMARY KEY (id)
);
CREATE TABLE epochs (
    run_id INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    train_loss FLOAT DEFAULT '0' NOT NULL,
    train_accuracy FLOAT DEFAULT '0' NOT NULL,
    test_loss FLOAT DEFAULT '0' NOT NULL,
    test_accuracy FLOAT DEFAULT '0' NOT NULL,
    train_seconds FLOAT DEFAULT '0' NOT NULL,
    evaluation_seconds FLOAT DEFAULT '0' NOT NULL,
    images_per_second FLOAT DEFAULT '0' NOT NULL,
    last_learning_rate FLOAT DEFAULT '0' NOT NULL,
    data_seconds FLOAT DEFAULT '0' NOT NULL,
    transfer_seconds FLOAT DEFAULT '0' NOT NULL,
    forward_seconds FLOAT DEFAULT '0' NOT NULL,
    backward_seconds FLOAT DEFAULT '0' NOT NULL,
    optimiser_seconds FLOAT DEFAULT '0' NOT NULL,
    captured_seconds FLOAT DEFAULT '0' NOT NULL,
    PRIMARY KEY (run_id, epoch),
    FOREIGN KEY(run_id) REFERENCES jobs (id) ON DELETE CASCADE
);
CREATE TABLE step_series (
    run_id INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    series TEXT NOT NULL,
    PRIMARY KEY (run_id),
    FOREIGN KEY(run_id) REFERENCES jobs (id) ON DELETE CASCADE
);
INSERT INTO lab (name, value) VALUES ('schema_version', '7');
INSERT INTO jobs (kind, request, network, dataset, setting, state, message, created_at, attempt, spent_seconds, deaths, early_deaths, has_stepped, stop_requested, machine, fingerprint, note)
VALUES ('train', '{"dataset": "fashion-mini", "device": "cuda:0", "model": {"arch": "course-residual", "image_size": 28, "in_channels": 1, "num_classes": 10, "options": {"shortcut": "conv"}, "ratio": 1}, "recipe": {"batch_size": 16, "bfloat16": true, "epochs": 5, "initialization": "xavier", "learning_rate": 0.035, "max_gradient_norm": 1.0, "momentum": 0.9, "name": "fast", "nesterov": true, "normalize": true, "schedule": "one-cycle", "weight_decay": 0.0005}, "seed": 0, "train_images": 400}', 'course-residual', 'fashion-mini', '177dba103c88f7d265bb7fafad354ccf3d5947b78a27aa56f7af6c407ae057c2', 'queued', '', 1790000000.0, 0, 0.0, 0, 0, FALSE, FALSE, '', '', '');
INSERT INTO jobs (kind, request, network, dataset, setting, state, message, created_at, attempt, spent_seconds, deaths, early_deaths, has_stepped, stop_requested, machine, fingerprint, note)
VALUES ('train', '{"dataset": "fashion-mini", "device": "cpu", "model": {"arch": "course-residual", "image_size": 28, "in_channels": 1, "num_classes": 10, "options": {"shortcut": "conv"}, "ratio": 1}, "recipe": {"batch_size": 16, "bfloat16": true, "epochs": 5, "initialization": "xavier", "learning_rate": 0.035, "max_gradient_norm": 1.0, "momentum": 0.9, "name": "fast", "nesterov": true, "normalize": true, "schedule": "one-cycle", "weight_decay": 0.0005}, "seed": 0, "train_images": 400}', 'course-residual', 'fashion-mini', '177dba103c88f7d265bb7fafad354ccf3d5947b78a27aa56f7af6c407ae057c2', 'queued', '', 1790000000.0, 0, 0.0, 0, 0, FALSE, FALSE, '', '', '');
INSERT INTO jobs (kind, request, network, dataset, setting, state, message, created_at, attempt, spent_seconds, deaths, early_deaths, has_stepped, stop_requested, machine, fingerprint, note, started_at, finished_at, best_epoch, best_accuracy)
VALUES ('train', '{"dataset": "fashion-mini", "device": "cpu", "model": {"arch": "course-residual", "image_size": 28, "in_channels": 1, "num_classes": 10, "options": {"shortcut": "conv"}, "ratio": 1}, "recipe": {"batch_size": 16, "bfloat16": true, "epochs": 5, "initialization": "xavier", "learning_rate": 0.035, "max_gradient_norm": 1.0, "momentum": 0.9, "name": "fast", "nesterov": true, "normalize": true, "schedule": "one-cycle", "weight_decay": 0.0005}, "seed": 1, "train_images": 400}', 'course-residual', 'fashion-mini', '177dba103c88f7d265bb7fafad354ccf3d5947b78a27aa56f7af6c407ae057c2', 'finished', '', 1790000000.0, 1, 8.0, 0, 0, FALSE, FALSE, 'example: a CPU', 'example, a CPU, torch 2.15.0', '', 1790000001.0, 1790000009.0, 1, 0.5);
INSERT INTO epochs (run_id, epoch, train_loss, train_accuracy, test_loss, test_accuracy, train_seconds, evaluation_seconds, images_per_second, last_learning_rate, data_seconds, transfer_seconds, forward_seconds, backward_seconds, optimiser_seconds, captured_seconds)
VALUES (3, 1, 0.25, 0.5, 0.375, 0.5, 1.5, 0.5, 266.5, 0.0625, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0);
INSERT INTO jobs (kind, "key", host, request, state, message, created_at, attempt, spent_seconds, deaths, early_deaths, has_stepped, stop_requested, machine, fingerprint, note)
VALUES ('layer-times', 'layer times bcf0a0b68fbbeb2512427f8b2d3d22ba93884db6bbe42faae79034d8ddfb5a0a', 'example', '{"batch_size": 16, "device": "cpu", "model": {"arch": "lenet", "image_size": 28, "in_channels": 1, "num_classes": 10, "options": {}, "ratio": 1}, "passes": 9}', 'queued', '', 1790000000.0, 0, 0.0, 0, 0, FALSE, FALSE, '', '', '');
INSERT INTO jobs (kind, "key", host, request, result, state, message, created_at, attempt, spent_seconds, deaths, early_deaths, has_stepped, stop_requested, machine, fingerprint, note)
VALUES ('device-speed', 'example cpu', 'example', '{"device": "cpu"}', '{"version": 1, "result": {"linear": 2.0}}', 'finished', '', 1790000000.0, 0, 0.0, 0, 0, FALSE, FALSE, '', '', '');
INSERT INTO jobs (kind, request, state, message, created_at, attempt, spent_seconds, deaths, early_deaths, has_stepped, stop_requested, machine, fingerprint, note)
VALUES ('train', 'no JSON', 'queued', '', 1790000000.0, 0, 0.0, 0, 0, FALSE, FALSE, '', '', '');
