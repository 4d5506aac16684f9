# Arrivals below pending/ are announced here; `flask ingest` reads. What can not be dealt with goes to the dead letters.

resource "aws_sqs_queue" "dead_letters" {
  count                     = var.notifications ? 1 : 0
  name                      = "${var.bucket_name}-arrivals-dead"
  message_retention_seconds = 1209600 # 14 days, the most that SQS gives: time to look at them
  sqs_managed_sse_enabled   = true
}

resource "aws_sqs_queue" "arrivals" {
  count                      = var.notifications ? 1 : 0
  name                       = "${var.bucket_name}-arrivals"
  message_retention_seconds  = 345600
  visibility_timeout_seconds = var.visibility_timeout
  receive_wait_time_seconds  = 20
  sqs_managed_sse_enabled    = true

  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead_letters[0].arn
    maxReceiveCount     = var.max_receive_count
  })
}

resource "aws_sqs_queue_redrive_allow_policy" "dead_letters" {
  count     = var.notifications ? 1 : 0
  queue_url = aws_sqs_queue.dead_letters[0].id

  redrive_allow_policy = jsonencode({
    redrivePermission = "byQueue"
    sourceQueueArns   = [aws_sqs_queue.arrivals[0].arn]
  })
}

resource "aws_sqs_queue_policy" "arrivals" {
  count     = var.notifications ? 1 : 0
  queue_url = aws_sqs_queue.arrivals[0].id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "LetTheBucketAnnounce"
      Effect    = "Allow"
      Principal = { Service = "s3.amazonaws.com" }
      Action    = "sqs:SendMessage"
      Resource  = aws_sqs_queue.arrivals[0].arn
      Condition = {
        ArnEquals    = { "aws:SourceArn" = local.bucket_arn }
        StringEquals = { "aws:SourceAccount" = local.account }
      }
    }]
  })
}

resource "aws_s3_bucket_notification" "this" {
  count  = var.notifications ? 1 : 0
  bucket = aws_s3_bucket.this.id

  queue {
    id            = "arrivals"
    queue_arn     = aws_sqs_queue.arrivals[0].arn
    events        = ["s3:ObjectCreated:Put", "s3:ObjectCreated:Post", "s3:ObjectCreated:CompleteMultipartUpload"]
    filter_prefix = "pending/"
  }

  depends_on = [aws_sqs_queue_policy.arrivals] # S3 sends a test message and refuses if that fails
}
