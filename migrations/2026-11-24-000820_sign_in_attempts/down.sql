DROP TABLE network_attempts;
DROP TABLE account_attempts;
