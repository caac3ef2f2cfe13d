-- Cooperative consumers: members that share the batches of a main consumer.
create schema if not exists pgq_coop;
