SELECT func_name::text, func_arg::text FROM pgq.maint_operations()
