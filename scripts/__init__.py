"""What is run by hand or by a pipeline: building and deploying the function, preparing storage, container health."""
