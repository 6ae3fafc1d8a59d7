-- The users, the tables and the least rights for state.mysql.yaml, on MySQL or MariaDB.
-- Then set the passwords: ALTER USER credentials IDENTIFIED BY '…' ACCOUNT UNLOCK, and
-- the same for credentials_writer.

CREATE USER credentials ACCOUNT LOCK;        -- for the component, which only reads
CREATE USER credentials_writer ACCOUNT LOCK; -- for the commands put, migrate and delete

-- As the store creates it, except for the collation of id, which is case-sensitive.
CREATE DATABASE credentials;
CREATE TABLE credentials.state (
  id         VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL PRIMARY KEY,
  value      JSON NOT NULL,
  isbinary   BOOLEAN NOT NULL,
  insertDate TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
  updateDate TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
  eTag       VARCHAR(36) NOT NULL,
  expiredate TIMESTAMP NULL,
  row_id     BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
  INDEX expiredate_idx (expiredate),
  UNIQUE KEY row_id_uidx (row_id)
);
GRANT SELECT ON credentials.state TO credentials;
GRANT SELECT, INSERT, UPDATE, DELETE ON credentials.state TO credentials_writer;

-- The store never reads this table, but creates it if it does not exist.
CREATE TABLE credentials.dapr_metadata (id VARCHAR(255) NOT NULL PRIMARY KEY, value TEXT NOT NULL);
GRANT SELECT ON credentials.dapr_metadata TO credentials, credentials_writer;
