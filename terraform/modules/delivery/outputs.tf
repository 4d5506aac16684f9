output "distribution_arn" {
  description = "The distribution, for the bucket's policy."
  value       = aws_cloudfront_distribution.this.arn
}

output "dns_name" {
  description = "Host name that the DNS record of domain_name is to point at."
  value       = aws_cloudfront_distribution.this.domain_name
}
