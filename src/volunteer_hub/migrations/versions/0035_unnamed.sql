-- Who does not want to be named where people are recognised.

CREATE TABLE unnamed (
    volunteer_id BIGINT NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_unnamed PRIMARY KEY (volunteer_id),
    CONSTRAINT fk_unnamed_volunteer_id FOREIGN KEY(volunteer_id) REFERENCES volunteers (id)
);
