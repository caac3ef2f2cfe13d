-- When whoever looks after a run last said so. One that another machine looks after cannot be asked whether it lives.
ALTER TABLE firing ADD COLUMN heard INTEGER;
