// A file of its own, because the page's policy allows no inline script.
const target = document.getElementById("swagger-ui");
window.SwaggerUIBundle({ url: target.dataset.document, domNode: target, deepLinking: true });
