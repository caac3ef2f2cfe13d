SELECT *{columns} FROM ({rows}) AS ostler_readings
