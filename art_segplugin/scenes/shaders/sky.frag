in vec3 ray;

out vec4 colour;

void main() {
    colour = vec4(film(sky(normalize(ray))), 1.0);
}
