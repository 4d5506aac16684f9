output "arn" {
  description = "The secret's ARN."
  value       = aws_secretsmanager_secret.key.arn
  depends_on  = [aws_secretsmanager_secret_version.key] # a task that starts earlier would find no value
}
