#version 330
// One triangle over the whole picture, at the far end of the depth range.

uniform mat3 corner_rays;

out vec3 ray;

void main() {
    vec2 corner = vec2(gl_VertexID & 1, gl_VertexID >> 1) * 4.0 - 1.0;
    ray = corner_rays * vec3(corner, 1.0);
    gl_Position = vec4(corner, 1.0, 1.0);
}
