output "image_service" {
  description = "Everything that the root module tells: settings, roles, where to push and deploy, where DNS is to point."
  value       = module.image_service
}
