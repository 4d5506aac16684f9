output "table_name" {
  description = "DYNAMO_TABLE of the service."
  value       = aws_dynamodb_table.this.name
}

output "table_arn" {
  description = "The table's ARN."
  value       = aws_dynamodb_table.this.arn
}

output "index_names" {
  description = "Names of the table's indexes."
  value       = [for index in aws_dynamodb_table.this.global_secondary_index : index.name]
}
