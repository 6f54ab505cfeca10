print("etlx")
