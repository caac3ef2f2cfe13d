SELECT pgq.ticker()
