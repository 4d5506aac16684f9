output "bucket_name" {
  description = "S3_BUCKET of the service."
  value       = aws_s3_bucket.this.id
  depends_on  = [aws_s3_bucket_versioning.this] # whoever uses the bucket finds it versioned
}

output "bucket_arn" {
  description = "The bucket's ARN."
  value       = aws_s3_bucket.this.arn
  depends_on  = [aws_s3_bucket_versioning.this] # a bucket without versions can not be replicated to
}

output "bucket_regional_domain_name" {
  description = "The bucket's host name, for a CloudFront origin."
  value       = aws_s3_bucket.this.bucket_regional_domain_name
}

output "kms_key_arn" {
  description = "The key that encrypts the bucket; null with AES256."
  value       = local.kms_key_arn
}

output "log_bucket_name" {
  description = "The bucket of the access logs."
  value       = aws_s3_bucket.logs.id
  depends_on  = [aws_s3_bucket_policy.logs] # a load balancer tries to write there when it is told to
}

output "queue_url" {
  description = "INGEST_QUEUE_URL of the service; null without notifications."
  value       = one(aws_sqs_queue.arrivals[*].url)
}

output "queue_arn" {
  description = "ARN of the queue of arrivals; null without notifications."
  value       = one(aws_sqs_queue.arrivals[*].arn)
}

output "queue_name" {
  description = "Name of the queue of arrivals; null without notifications."
  value       = one(aws_sqs_queue.arrivals[*].name)
}

output "dead_letter_queue_name" {
  description = "Name of the queue of what could not be dealt with; null without notifications."
  value       = one(aws_sqs_queue.dead_letters[*].name)
}
