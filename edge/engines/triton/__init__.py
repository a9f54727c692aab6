"""A Triton server elsewhere, asked over KServe v2 (HTTP or gRPC) for those who outgrow a unit. Needs the extra `triton`.

tritonclient is imported when a server is first asked, so that a unit without it runs everything else.
"""
