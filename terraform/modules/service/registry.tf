resource "aws_ecr_repository" "this" {
  #checkov:skip=CKV_AWS_136:Encrypted with ECR's own key; images hold no secrets.
  count                = var.image_repository == null ? 1 : 0
  name                 = var.name
  image_tag_mutability = "IMMUTABLE"
  force_delete         = !var.deletion_protection

  image_scanning_configuration {
    scan_on_push = true
  }
}

resource "aws_ecr_lifecycle_policy" "this" {
  count      = var.image_repository == null ? 1 : 0
  repository = aws_ecr_repository.this[0].name

  policy = jsonencode({
    rules = [{
      rulePriority = 1
      description  = "Remove what lost its tag two weeks ago"
      selection    = { tagStatus = "untagged", countType = "sinceImagePushed", countUnit = "days", countNumber = 14 }
      action       = { type = "expire" }
    }]
  })
}

locals {
  repository_arn = var.image_repository == null ? aws_ecr_repository.this[0].arn : var.image_repository.arn
  # arn:<partition>:ecr:<region>:<account>:repository/<name>
  foreign = var.image_repository == null ? ["", "", "", "", "", "repository/"] : split(":", var.image_repository.arn)
  repository_url = var.image_repository == null ? aws_ecr_repository.this[0].repository_url : (
    "${local.foreign[4]}.dkr.ecr.${local.foreign[3]}.amazonaws.com/${trimprefix(local.foreign[5], "repository/")}"
  )
}
