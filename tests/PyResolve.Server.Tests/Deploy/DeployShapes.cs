using static PyResolve.Server.Tests.Deploy.Shape;

namespace PyResolve.Server.Tests.Deploy;

/// <summary>
/// What our files may have, by the documentation of the programs that read them: compose-spec.io, kustomize's reference,
/// fly.io/docs/reference/configuration, docs.railway.com/config-as-code, render.com/docs/blueprint-spec, Prometheus' configuration,
/// GitHub's metadata syntax for actions.
/// Extend it together with a file, from there.
/// </summary>
internal static class DeployShapes
{
    private static readonly Shape Duration = Matching("^([0-9]+(ms|s|m|h|d))+$");
    private static readonly Shape Variables = MapOf(Matching(""));
    private static readonly Shape Path = Matching("^/");
    private static readonly Shape Alert = Map(
        ("alert*", Matching("^[A-Z][A-Za-z]+$")), ("expr*", Text), ("for", Duration),
        ("labels*", Map(("severity*", OneOf("critical", "warning")))),
        ("annotations*", Map(("summary*", Text), ("description*", Text))));

    private static readonly Shape Step = Map(
        ("name", Text), ("id", Text), ("if", Text), ("uses", Matching("@[0-9a-f]{40}$")), ("with", MapOf(Text)), ("shell", OneOf("bash")),
        ("env", MapOf(Text)), ("run", Text));

    private static readonly Shape ComposeService = Map(
        ("image", Text),
        ("build", Map(("context*", Text), ("dockerfile", Text))),
        ("environment", Variables),
        ("ports", List(Matching("^([0-9.]+:)?[0-9]+:[0-9]+$"))),
        ("volumes", List(Matching("^[^:]+:/[^:]*(:ro)?$"))),
        ("networks", List(Text)),
        ("depends_on", MapOf(Map(
            ("condition*", OneOf("service_started", "service_healthy", "service_completed_successfully"))))),
        ("healthcheck", Map(
            ("test*", List(Text)), ("interval", Duration), ("timeout", Duration), ("retries", Number), ("start_period", Duration))),
        ("read_only", Flag), ("tmpfs", List(Path)), ("cap_drop", List(Text)), ("security_opt", List(Text)), ("init", Flag),
        ("restart", OneOf("no", "always", "on-failure", "unless-stopped")), ("stop_grace_period", Duration));

    private static readonly Shape ComposeNetwork = Map(
        ("ipam", Map(("config*", List(Map(("subnet*", Matching("^[0-9.]+/[0-9]+$"))))))));

    private static readonly Shape RenderVariable = Map(
        ("key*", Text), ("value", Text), ("sync", OneOf("false")),
        ("fromDatabase", Map(("name*", Text), ("property*", OneOf("connectionString")))));

    private static readonly Shape RenderService = Map(
        ("type*", OneOf("web")), ("name*", Text), ("runtime*", OneOf("docker", "image")), ("plan", Text), ("numInstances", Number),
        ("dockerfilePath", Matching(@"^\./")), ("dockerContext", Text), ("healthCheckPath", Path), ("maxShutdownDelaySeconds", Number),
        ("envVars", List(RenderVariable)));

    public static Shape Compose { get; } = Map(
        ("name", Matching("^[a-z0-9][a-z0-9_-]*$")), ("services*", MapOf(ComposeService)), ("networks", MapOf(ComposeNetwork)),
        ("volumes", MapOf(Map())));

    public static Shape Kustomization { get; } = Map(
        ("apiVersion*", OneOf("kustomize.config.k8s.io/v1beta1")), ("kind*", OneOf("Kustomization")), ("namespace", Text),
        ("resources*", List(Matching(@"\.yaml$"))),
        ("configMapGenerator", List(Map(("name*", Text), ("literals", List(Matching("^[A-Za-z_]+=")))))),
        ("images", List(Map(("name*", OneOf("pyresolve-server", "busybox")), ("newName", Text), ("newTag", Text)))));

    public static Shape Fly { get; } = Map(
        ("app*", Text), ("primary_region", Matching("^[a-z]{3}$")), ("kill_signal", OneOf("SIGINT", "SIGTERM")), ("kill_timeout", Duration),
        ("build", Map(("dockerfile", Text))), ("env", Variables),
        ("http_service", Map(
            ("internal_port*", Number), ("force_https", Flag), ("auto_stop_machines", OneOf("off", "stop", "suspend")),
            ("auto_start_machines", Flag), ("min_machines_running", Number),
            ("checks", List(Map(
                ("method", OneOf("GET")), ("path*", Path), ("interval", Duration), ("timeout", Duration), ("grace_period", Duration)))))),
        ("vm", List(Map(("size", Text), ("memory", Matching("^[0-9]+(mb|gb)$"))))));

    public static Shape Railway { get; } = Map(
        ("$schema", OneOf("https://railway.com/railway.schema.json")),
        ("build*", Map(("builder*", OneOf("DOCKERFILE", "RAILPACK")), ("dockerfilePath", Text))),
        ("deploy*", Map(
            ("healthcheckPath", Path), ("healthcheckTimeout", Number), ("restartPolicyType", OneOf("ON_FAILURE", "ALWAYS", "NEVER")),
            ("overlapSeconds", Number), ("drainingSeconds", Number))));

    public static Shape Render { get; } = Map(
        ("services*", List(RenderService)),
        ("databases", List(Map(("name*", Text), ("plan", Text), ("postgresMajorVersion", Number)))));

    public static Shape Prometheus { get; } = Map(
        ("scrape_configs*", List(Map(
            ("job_name*", Text), ("scrape_interval", Duration), ("static_configs", List(Map(("targets*", List(Text)))))))),
        ("rule_files", List(Text)));

    public static Shape Alerts { get; } = Map(("groups*", List(Map(("name*", Text), ("rules*", List(Alert))))));

    public static Shape Action { get; } = Map(
        ("name*", Text), ("description*", Text),
        ("inputs", MapOf(Map(("description*", Text), ("default", Matching("")), ("required", Flag)))),
        ("outputs", MapOf(Map(("description*", Text), ("value*", Text)))),
        ("runs*", Map(("using*", OneOf("composite")), ("steps*", List(Step)))));
}
