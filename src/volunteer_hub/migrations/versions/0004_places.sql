-- Addresses are looked up by a geocoder, its answers kept; pick-up points have a position.

ALTER TABLE volunteers ADD located_at TIMESTAMP WITH TIME ZONE, ADD lease_until TIMESTAMP WITH TIME ZONE;
CREATE INDEX ix_volunteers_to_locate ON volunteers (id) WHERE located_at IS NULL AND address IS NOT NULL AND precision = 'community' AND status IN ('active', 'pledged', 'paused');

CREATE TABLE address_answers (
    key TEXT NOT NULL,
    volunteer_id BIGINT NOT NULL,
    lat DOUBLE PRECISION,
    lon DOUBLE PRECISION,
    precision VARCHAR(32),
    provider TEXT NOT NULL,
    answered_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_address_answers PRIMARY KEY (key),
    CONSTRAINT fk_address_answers_volunteer_id FOREIGN KEY(volunteer_id) REFERENCES volunteers (id),
    CONSTRAINT ck_address_answers_precision CHECK (precision IN ('address', 'building', 'community'))
);
CREATE INDEX ix_address_answers_answered_at ON address_answers (answered_at);
CREATE INDEX ix_address_answers_volunteer_id ON address_answers (volunteer_id);

ALTER TABLE tasks ADD pickup_lat FLOAT, ADD pickup_lon FLOAT,
    ADD CONSTRAINT ck_tasks_pickup_whole CHECK ((pickup_lat IS NULL) = (pickup_lon IS NULL)),
    ADD CONSTRAINT ck_tasks_pickup_position CHECK (pickup_lat BETWEEN -90 AND 90 AND pickup_lon BETWEEN -180 AND 180);
