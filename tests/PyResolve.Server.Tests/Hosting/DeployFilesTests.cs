using System.Text.RegularExpressions;
using Microsoft.Extensions.Configuration;
using PyResolve.Server.Hosting;
using PyResolve.Server.Tests.Storage;

namespace PyResolve.Server.Tests.Hosting;

/// <summary>The files under deploy/ and the guides agree with the server: settings, ports, paths, users.</summary>
public sealed partial class DeployFilesTests
{
    /// <summary>Of other programs: the command line, the tests, the release.</summary>
    private static readonly string[] NotOfTheServer =
    [
        "PYRESOLVE_API_KEY", "PYRESOLVE_API_URL", "PYRESOLVE_HOME", "PYRESOLVE_PROFILE", "PYRESOLVE_PROOFS", "PYRESOLVE_RELEASES",
        "PYRESOLVE_GATES",
    ];

    private static readonly IConfiguration Nothing = new ConfigurationBuilder().Build();

    public static TheoryData<string> Files =>
    [
        .. Directory.EnumerateFiles(Path.Combine(Guide.Root, "deploy"), "*", SearchOption.AllDirectories)
            .Select(static file => Path.GetRelativePath(Guide.Root, file).Replace('\\', '/'))
            .Where(static file => !file.StartsWith("deploy/action/", StringComparison.Ordinal)
                && !file.StartsWith("deploy/install.", StringComparison.Ordinal)),
        "docs/install.md", "docs/containers.md", "docs/troubleshooting.md", "docs/hosting.md",
    ];

    [Theory, MemberData(nameof(Files))]
    public void Every_setting_that_a_file_names_is_one_of_the_server(string file)
    {
        var unknown =
            from match in Name().Matches(Text(file))
            let name = match.Value.Replace("__", ":", StringComparison.Ordinal)
            where !NotOfTheServer.Contains(name) && !IsKnown(name)
            select name;

        unknown.ShouldBeEmpty(file);
    }

    [Theory]
    [InlineData("deploy/container/Dockerfile", "PORT=8000", "EXPOSE 8000", "USER 1654:1654", "VOLUME /data", "-chiseled")]
    [InlineData("deploy/compose/compose.yaml", "8000:8000", "read_only: true", "no-new-privileges:true", "- ALL", "data:/data")]
    [InlineData("deploy/compose/compose.proxy.yaml", "!reset []", "/etc/caddy/Caddyfile:ro")]
    [InlineData("deploy/compose/Caddyfile", "pyresolve:8000", "flush_interval -1", "max_size 5MB")]
    [InlineData("deploy/kubernetes/deployment.yaml", "containerPort: 8000", "path: /health\n", "path: /health/ready\n")]
    [InlineData("deploy/hosts/railway.json", "\"/health/ready\"", "deploy/container/Dockerfile")]
    [InlineData("deploy/hosts/fly.toml", "internal_port = 8000", "PORT = \"8000\"", "\"/health/ready\"", "../container/Dockerfile")]
    [InlineData("deploy/hosts/render.yaml", "healthCheckPath: /health/ready", "value: 8000", "deploy/container/Dockerfile")]
    [InlineData("deploy/systemd/pyresolve.service", "ExecStart=/opt/pyresolve-server/pyresolve-server\n", "User=pyresolve\n",
        "NoNewPrivileges=true\n", "ProtectSystem=strict\n", "StateDirectory=pyresolve\n")]
    public void A_file_has_the_ports_paths_and_bounds_of_the_server(string file, params string[] parts)
    {
        var text = Text(file);

        foreach (var part in parts)
            text.ShouldContain(part, customMessage: file);
    }

    [Theory]
    [InlineData("deployment.yaml")]
    [InlineData("migrate-schema.yaml")]
    [InlineData("backup.yaml")]
    public void Every_pod_of_Kubernetes_runs_with_few_rights_and_the_settings(string file)
    {
        var text = Text($"deploy/kubernetes/{file}");

        foreach (var part in (string[])[
            "runAsNonRoot: true", "runAsUser: 1654", "type: RuntimeDefault", "allowPrivilegeEscalation: false",
            "readOnlyRootFilesystem: true", "drop: [ALL]", "automountServiceAccountToken: false",
            "image: pyresolve-server", "configMapRef:", "secretRef:"])
            text.ShouldContain(part);
    }

    [Fact]
    public void Kustomize_names_every_file_of_its_folder()
    {
        var folder = Path.Combine(Guide.Root, "deploy/kubernetes");
        var named = Text("deploy/kubernetes/kustomization.yaml").Split('\n')
            .Where(static line => line.StartsWith("  - ", StringComparison.Ordinal) && line.EndsWith(".yaml", StringComparison.Ordinal))
            .Select(static line => line[4..]);

        named.ShouldBe(
            Directory.EnumerateFiles(folder, "*.yaml").Select(static file => Path.GetFileName(file))
                .Where(static file => file is not ("kustomization.yaml" or "secret.yaml"))
                .Select(static file => file.Replace(".example", "", StringComparison.Ordinal)),
            ignoreOrder: true);
    }

    [Fact]
    public async Task The_unit_of_systemd_is_accepted_and_leaves_the_service_little()
    {
        // Only systemd itself can say so. What must be in the file is compared above on every machine.
        if (Find("systemd-analyze") is not { } analyze)
            return;
        var unit = Path.Combine(Guide.Root, "deploy/systemd/pyresolve.service");
        var cancellation = TestContext.Current.CancellationToken;

        var verified = await Command.RunAsync(analyze, ["verify", unit], cancellationToken: cancellation);
        var rated = await Command.RunAsync(
            analyze, ["security", "--offline=true", "--no-pager", "--threshold=20", unit], cancellationToken: cancellation);

        (verified.Output + verified.Error).Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Where(static line => line.Contains("pyresolve", StringComparison.Ordinal)
                && !line.Contains("is not executable", StringComparison.Ordinal))
            .ShouldBeEmpty();
        rated.ExitCode.ShouldBe(0, rated.Output + rated.Error);
    }

    private static string Text(string file) => File.ReadAllText(Path.Combine(Guide.Root, file));

    private static bool IsKnown(string name) =>
        SettingsTable.Find(name, Nothing) is not null
        || SettingsTable.All.Any(one => one.Name.StartsWith($"{name}:", StringComparison.Ordinal));

    private static string? Find(string program) => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
        .Select(folder => Path.Combine(folder, program)).FirstOrDefault(File.Exists);

    [GeneratedRegex(
        @"\b(PYRESOLVE_[A-Z_]+[A-Z]|PyResolve(__|:)[A-Za-z0-9_:]*[A-Za-z0-9]|STRIPE_[A-Z_]+[A-Z]|SUPABASE_[A-Z_]+[A-Z]|DATABASE_URL)\b",
        RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Name();
}
