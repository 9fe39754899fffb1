in vec3 world;
in vec3 world_normal;
flat in vec4 look;

void main() {
    if (KIND == LEAVES && is_gap(world, world_normal, look.y)) discard;
}
