SELECT pgq.maint_retry_events()
