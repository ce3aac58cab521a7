-- Delegation (OAuth 2.1): other programs that users let act for them, what they were allowed, and the codes and refresh
-- tokens by which they get their tokens. Of each secret there is a digest, and no verifier reads any of these tables but
-- `clients`: a refresh token is no access token.

LOCK TABLE users, tokens IN ACCESS EXCLUSIVE MODE;

-- The programs that may ask. A client that is disabled gets no token, and none of its tokens is accepted; nor does one of them
-- reach what the client may no longer ask for.
CREATE TABLE clients (
    id                 uuid        PRIMARY KEY,
    name               text        NOT NULL CONSTRAINT clients_name_unique UNIQUE
                                   CONSTRAINT clients_name_check CHECK (char_length(name) BETWEEN 1 AND 100),
    secret_digest      bytea       CONSTRAINT clients_secret_digest_check CHECK (octet_length(secret_digest) = 32),
    redirect_uris      text[]      NOT NULL CONSTRAINT clients_redirect_uris_check
        CHECK (array_position(redirect_uris, NULL) IS NULL AND octet_length(redirect_uris::text) <= 65536),
    scopes             text[]      NOT NULL CONSTRAINT clients_scopes_check
        CHECK (array_position(scopes, NULL) IS NULL AND octet_length(scopes::text) <= 65536),
    grant_types        text[]      NOT NULL CONSTRAINT clients_grant_types_check
        CHECK (grant_types <@ ARRAY['authorization_code', 'refresh_token', 'client_credentials', 'device_code']
            AND array_position(grant_types, NULL) IS NULL AND cardinality(grant_types) <= 4),
    service_account_id uuid        CONSTRAINT clients_service_account_id_fkey REFERENCES users ON DELETE SET NULL,
    first_party        boolean     NOT NULL DEFAULT false,
    created_at         timestamptz NOT NULL DEFAULT now() CONSTRAINT clients_created_at_check
        CHECK (created_at >= '1970-01-01 00:00:00Z' AND created_at < '10000-01-01 00:00:00Z'),
    disabled_at        timestamptz CONSTRAINT clients_disabled_at_check
        CHECK (disabled_at >= '1970-01-01 00:00:00Z' AND disabled_at < '10000-01-01 00:00:00Z'),
    CONSTRAINT clients_service_account_check CHECK (service_account_id IS NULL OR secret_digest IS NOT NULL)
);

COMMENT ON COLUMN clients.id IS 'the client_id of RFC 6749';
COMMENT ON COLUMN clients.name IS 'what users are told who asks';
COMMENT ON COLUMN clients.secret_digest IS 'SHA-256: the secret has 256 random bits; null: a public client, which can keep none';
COMMENT ON COLUMN clients.redirect_uris IS 'where it may have users sent back to, byte by byte';
COMMENT ON COLUMN clients.scopes IS 'what its tokens may do at the most';
COMMENT ON COLUMN clients.service_account_id IS 'whose tokens it gets for its own credentials';
COMMENT ON COLUMN clients.first_party IS 'the operator''s own: users are not asked';

-- What may be delegated at all, in the words in which a user is asked.
CREATE TABLE delegable_scopes (
    name        text PRIMARY KEY CONSTRAINT delegable_scopes_name_check CHECK (char_length(name) BETWEEN 1 AND 64
        AND name <> 'admin' AND name NOT LIKE 'tokens:%'),
    title       text NOT NULL CONSTRAINT delegable_scopes_title_check CHECK (char_length(title) BETWEEN 1 AND 100),
    description text NOT NULL CONSTRAINT delegable_scopes_description_check CHECK (char_length(description) <= 1000),
    resource    text CONSTRAINT delegable_scopes_resource_check CHECK (char_length(resource) BETWEEN 1 AND 1024)
);

COMMENT ON COLUMN delegable_scopes.resource IS 'the resource that it belongs to (RFC 8707); null: to any';

-- What a user has let a client do: one row for both, whatever the client has asked for over time. Its deletion takes all of it
-- back: codes, refresh tokens, and tokens, whose trigger writes the log.
CREATE TABLE grants (
    id         uuid        PRIMARY KEY,
    user_id    uuid        NOT NULL CONSTRAINT grants_user_id_fkey REFERENCES users ON DELETE CASCADE,
    client_id  uuid        NOT NULL CONSTRAINT grants_client_id_fkey REFERENCES clients ON DELETE CASCADE,
    scopes     text[]      NOT NULL CONSTRAINT grants_scopes_check
        CHECK (array_position(scopes, NULL) IS NULL AND octet_length(scopes::text) <= 65536),
    created_at timestamptz NOT NULL DEFAULT now() CONSTRAINT grants_created_at_check
        CHECK (created_at >= '1970-01-01 00:00:00Z' AND created_at < '10000-01-01 00:00:00Z'),
    CONSTRAINT grants_user_id_client_id_unique UNIQUE (user_id, client_id)
);

CREATE INDEX grants_client_id ON grants (client_id, id);

COMMENT ON COLUMN grants.scopes IS 'what the user has consented to, in all';

ALTER TABLE tokens ADD CONSTRAINT tokens_grant_id_fkey FOREIGN KEY (grant_id) REFERENCES grants ON DELETE CASCADE;

-- Requests that wait for a user's decision: by the authorization page, or by a device that shows a code (RFC 8628).
CREATE TABLE authorizations (
    id             uuid        PRIMARY KEY,
    client_id      uuid        NOT NULL CONSTRAINT authorizations_client_id_fkey REFERENCES clients ON DELETE CASCADE,
    handle         bytea       CONSTRAINT authorizations_handle_unique UNIQUE
                               CONSTRAINT authorizations_handle_check CHECK (octet_length(handle) = 32),
    scopes         text[]      NOT NULL CONSTRAINT authorizations_scopes_check
        CHECK (array_position(scopes, NULL) IS NULL AND octet_length(scopes::text) <= 65536),
    audience       text        CONSTRAINT authorizations_audience_check CHECK (char_length(audience) BETWEEN 1 AND 1024),
    redirect_uri   text        CONSTRAINT authorizations_redirect_uri_check CHECK (char_length(redirect_uri) <= 2048),
    state          text        CONSTRAINT authorizations_state_check CHECK (char_length(state) <= 4096),
    code_challenge text        CONSTRAINT authorizations_code_challenge_check CHECK (char_length(code_challenge) = 43),
    device_code    bytea       CONSTRAINT authorizations_device_code_unique UNIQUE
                               CONSTRAINT authorizations_device_code_check CHECK (octet_length(device_code) = 32),
    user_code      text        CONSTRAINT authorizations_user_code_unique UNIQUE
                               CONSTRAINT authorizations_user_code_check CHECK (char_length(user_code) BETWEEN 1 AND 16),
    interval_secs  integer     CONSTRAINT authorizations_interval_secs_check CHECK (interval_secs BETWEEN 1 AND 60),
    polled_at      timestamptz CONSTRAINT authorizations_polled_at_check
        CHECK (polled_at >= '1970-01-01 00:00:00Z' AND polled_at < '10000-01-01 00:00:00Z'),
    grant_id       uuid        CONSTRAINT authorizations_grant_id_fkey REFERENCES grants ON DELETE CASCADE,
    denied         boolean     NOT NULL DEFAULT false,
    created_at     timestamptz NOT NULL DEFAULT now() CONSTRAINT authorizations_created_at_check
        CHECK (created_at >= '1970-01-01 00:00:00Z' AND created_at < '10000-01-01 00:00:00Z'),
    expires_at     timestamptz NOT NULL CONSTRAINT authorizations_expires_at_check
        CHECK (expires_at >= '1970-01-01 00:00:00Z' AND expires_at < '10000-01-01 00:00:00Z'),
    CONSTRAINT authorizations_flow_check CHECK (CASE WHEN device_code IS NULL
        THEN num_nulls(handle, redirect_uri, code_challenge) = 0
            AND num_nonnulls(user_code, interval_secs, polled_at, grant_id) = 0 AND NOT denied
        ELSE num_nonnulls(redirect_uri, state, code_challenge) = 0 AND interval_secs IS NOT NULL END)
);

CREATE INDEX authorizations_client_id ON authorizations (client_id);
CREATE INDEX authorizations_grant_id ON authorizations (grant_id) WHERE grant_id IS NOT NULL;
CREATE INDEX authorizations_expires_at ON authorizations (expires_at);

COMMENT ON COLUMN authorizations.handle IS 'SHA-256 of the one-time handle that names it to the page; null: no code was typed yet';
COMMENT ON COLUMN authorizations.scopes IS 'that are asked for; once a device''s request is approved, that were given';
COMMENT ON COLUMN authorizations.audience IS 'the resource that is asked for (RFC 8707)';
COMMENT ON COLUMN authorizations.code_challenge IS 'S256, and nothing else (RFC 7636)';
COMMENT ON COLUMN authorizations.device_code IS 'SHA-256; null: not by a device';
COMMENT ON COLUMN authorizations.user_code IS 'for a person to type; null: it is decided, and worth nothing more';
COMMENT ON COLUMN authorizations.grant_id IS 'a device''s request: approved by this';

-- Codes: each for one exchange. One that was used stays for a while, so that its replay is noticed.
CREATE TABLE authorization_codes (
    digest         bytea       PRIMARY KEY CONSTRAINT authorization_codes_digest_check CHECK (octet_length(digest) = 32),
    grant_id       uuid        NOT NULL CONSTRAINT authorization_codes_grant_id_fkey REFERENCES grants ON DELETE CASCADE,
    scopes         text[]      NOT NULL CONSTRAINT authorization_codes_scopes_check
        CHECK (array_position(scopes, NULL) IS NULL AND octet_length(scopes::text) <= 65536),
    audience       text        CONSTRAINT authorization_codes_audience_check CHECK (char_length(audience) BETWEEN 1 AND 1024),
    redirect_uri   text        NOT NULL CONSTRAINT authorization_codes_redirect_uri_check CHECK (char_length(redirect_uri) <= 2048),
    code_challenge text        NOT NULL CONSTRAINT authorization_codes_code_challenge_check CHECK (char_length(code_challenge) = 43),
    used_at        timestamptz CONSTRAINT authorization_codes_used_at_check
        CHECK (used_at >= '1970-01-01 00:00:00Z' AND used_at < '10000-01-01 00:00:00Z'),
    expires_at     timestamptz NOT NULL CONSTRAINT authorization_codes_expires_at_check
        CHECK (expires_at >= '1970-01-01 00:00:00Z' AND expires_at < '10000-01-01 00:00:00Z')
);

CREATE INDEX authorization_codes_grant_id ON authorization_codes (grant_id);
CREATE INDEX authorization_codes_expires_at ON authorization_codes (expires_at);

COMMENT ON COLUMN authorization_codes.digest IS 'SHA-256 of the code''s text';

-- Refresh tokens: one row for all that came of one authorization, one after the other. All of them have one part in common, by
-- which the row is found, and another that says which of them it is.
CREATE TABLE refresh_tokens (
    family       bytea         PRIMARY KEY CONSTRAINT refresh_tokens_family_check CHECK (octet_length(family) = 32),
    grant_id     uuid          NOT NULL CONSTRAINT refresh_tokens_grant_id_fkey REFERENCES grants ON DELETE CASCADE,
    digest       bytea         NOT NULL CONSTRAINT refresh_tokens_digest_check CHECK (octet_length(digest) = 32),
    salt         bytea         NOT NULL CONSTRAINT refresh_tokens_salt_check CHECK (octet_length(salt) = 32),
    rotations    timestamptz[] NOT NULL DEFAULT '{}' CONSTRAINT refresh_tokens_rotations_check
        CHECK (array_position(rotations, NULL) IS NULL AND cardinality(rotations) <= 64
            AND '1970-01-01 00:00:00Z' <= ALL (rotations) AND '10000-01-01 00:00:00Z' > ALL (rotations)),
    is_used      boolean       NOT NULL DEFAULT false,
    scopes       text[]        NOT NULL CONSTRAINT refresh_tokens_scopes_check
        CHECK (array_position(scopes, NULL) IS NULL AND octet_length(scopes::text) <= 65536),
    audience     text          CONSTRAINT refresh_tokens_audience_check CHECK (char_length(audience) BETWEEN 1 AND 1024),
    created_at   timestamptz   NOT NULL DEFAULT now() CONSTRAINT refresh_tokens_created_at_check
        CHECK (created_at >= '1970-01-01 00:00:00Z' AND created_at < '10000-01-01 00:00:00Z'),
    expires_at   timestamptz   NOT NULL CONSTRAINT refresh_tokens_expires_at_check
        CHECK (expires_at >= '1970-01-01 00:00:00Z' AND expires_at < '10000-01-01 00:00:00Z')
);

CREATE INDEX refresh_tokens_grant_id ON refresh_tokens (grant_id);
CREATE INDEX refresh_tokens_expires_at ON refresh_tokens (expires_at);

COMMENT ON COLUMN refresh_tokens.family IS 'SHA-256 of the part that all of them have in common';
COMMENT ON COLUMN refresh_tokens.digest IS 'SHA-256 of the current one''s text';
COMMENT ON COLUMN refresh_tokens.salt IS 'each one''s successor is made of it and this, so that whoever asks twice is told the same';
COMMENT ON COLUMN refresh_tokens.rotations IS 'when the last of them were replaced, the latest first';
COMMENT ON COLUMN refresh_tokens.is_used IS 'whether the current one was used, and stayed';
COMMENT ON COLUMN refresh_tokens.scopes IS 'what tokens by it may do at the most';

SELECT set_config('search_path', format('%I, pg_temp', current_schema()), true);

-- A check reads the token's client. A change of it says that everything is to be looked up again: it is an operator's rare act,
-- and a client may have millions of tokens. So no lock is needed between it and the tokens that are issued meanwhile.
CREATE FUNCTION jeton_clients_changed() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
    AS $$
        BEGIN
            IF tg_op = 'DELETE' THEN
                PERFORM jeton_log_revocations(ARRAY(SELECT ''::bytea FROM before LIMIT 1));
            ELSE
                PERFORM jeton_log_revocations(ARRAY(
                    SELECT ''::bytea
                    FROM before LEFT JOIN after ON after.id = before.id
                    WHERE (before.id, before.scopes::text, before.disabled_at)
                        IS DISTINCT FROM (after.id, after.scopes::text, after.disabled_at)
                    LIMIT 1));
            END IF;
            RETURN NULL;
        END
    $$;

CREATE FUNCTION jeton_clients_replicated() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
    AS $$
        BEGIN
            PERFORM jeton_log_revocations(ARRAY[''::bytea]);
            RETURN NULL;
        END
    $$;

REVOKE EXECUTE ON FUNCTION jeton_clients_changed, jeton_clients_replicated FROM PUBLIC;

CREATE TRIGGER clients_updated AFTER UPDATE ON clients
    REFERENCING OLD TABLE AS before NEW TABLE AS after
    FOR EACH STATEMENT EXECUTE FUNCTION jeton_clients_changed();

CREATE TRIGGER clients_deleted AFTER DELETE ON clients
    REFERENCING OLD TABLE AS before
    FOR EACH STATEMENT EXECUTE FUNCTION jeton_clients_changed();

CREATE TRIGGER clients_replicated AFTER UPDATE OR DELETE ON clients
    FOR EACH ROW EXECUTE FUNCTION jeton_clients_replicated();

ALTER TABLE clients
    ENABLE ALWAYS TRIGGER clients_updated,
    ENABLE ALWAYS TRIGGER clients_deleted,
    ENABLE REPLICA TRIGGER clients_replicated;
