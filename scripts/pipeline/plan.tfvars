# Values of an environment that nobody has, for the plan that a pull request shows.
bucket_name     = "acme-images-production"
domain_name     = "images.example.org"
certificate_arn = "arn:aws:acm:eu-central-1:123456789012:certificate/00000000-0000-0000-0000-000000000000"
image_digest    = "sha256:0000000000000000000000000000000000000000000000000000000000000000"
ingress_cidrs   = ["203.0.113.0/24"]
allow_anonymous = true
alarm_emails    = ["on-call@example.org"]

github = {
  repository    = "acme/image-service"
  owner_id      = "11"
  repository_id = "22"
  environment   = "production"
}
