in vec3 world;
in vec3 world_normal;
flat in vec4 look;
flat in int solid;

out uint solid_number;

void main() {
    if (KIND == LEAVES && is_gap(world, world_normal, look.y)) discard;
    solid_number = uint(solid);
}
