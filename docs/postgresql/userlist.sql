-- The user of Rotakey with its SCRAM secret, as a line of /etc/pgbouncer/userlist.txt. With it, PgBouncer checks the password of the
-- replicas and signs in to PostgreSQL, and does not know the password.
SELECT format('"%s" "%s"', rolname, rolpassword) FROM pg_authid WHERE rolname = 'rotakey';
