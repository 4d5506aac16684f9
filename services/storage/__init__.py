"""Object stores behind ``services.ports``: S3 (``s3``) and the embedded file store (``filesystem``).

SDK and operating system errors stop here; callers see only ``services.errors``.
"""
