using System.Text.RegularExpressions;
using Microsoft.Extensions.Configuration;
using PyResolve.Server.Hosting;
using PyResolve.Server.Tests.Storage;
using Tomlyn;
using Tomlyn.Model;

namespace PyResolve.Server.Tests.Deploy;

/// <summary>The files under deploy/ and the guides agree with the server: settings, ports, paths, users.</summary>
public sealed partial class DeployFilesTests
{
    /// <summary>Of other programs: the command line, the tests, the release.</summary>
    private static readonly string[] NotOfTheServer =
    [
        "PYRESOLVE_API_KEY", "PYRESOLVE_API_URL", "PYRESOLVE_HOME", "PYRESOLVE_PROFILE", "PYRESOLVE_PROOFS", "PYRESOLVE_RELEASES",
        "PYRESOLVE_GATES",
    ];

    private static readonly string[] FewRights =
    [
        "runAsNonRoot: true", "runAsUser: 1654", "type: RuntimeDefault", "allowPrivilegeEscalation: false",
        "readOnlyRootFilesystem: true", "drop: [ALL]", "automountServiceAccountToken: false",
    ];

    private static readonly IConfiguration Nothing = new ConfigurationBuilder().Build();

    public static TheoryData<string> Files =>
    [
        .. Directory.EnumerateFiles(Path.Combine(Guide.Root, "deploy"), "*", SearchOption.AllDirectories)
            .Select(static file => Path.GetRelativePath(Guide.Root, file).Replace('\\', '/'))
            .Where(static file => !file.StartsWith("deploy/action/", StringComparison.Ordinal)
                && !file.StartsWith("deploy/install.", StringComparison.Ordinal)),
        "docs/install.md", "docs/containers.md", "docs/troubleshooting.md", "docs/hosting.md", "docs/monitoring.md", "docs/upgrading.md",
        "docs/high-availability.md", "docs/scaling.md",
    ];

    [Theory, MemberData(nameof(Files))]
    public void Every_setting_that_a_file_names_is_one_of_the_server(string file)
    {
        var unknown =
            from match in Name().Matches(Text(file))
            let name = match.Value.Replace("__", ":", StringComparison.Ordinal)
            where !NotOfTheServer.Contains(name) && !name.StartsWith("PYRESOLVE_TEST_", StringComparison.Ordinal) && !IsKnown(name)
            select name;

        unknown.ShouldBeEmpty(file);
    }

    [Theory]
    [InlineData("deploy/container/Dockerfile", "PORT=8000", "EXPOSE 8000", "USER 1654:1654", "-chiseled")]
    [InlineData("deploy/compose/compose.yaml", "8000:8000", "read_only: true", "no-new-privileges:true", "- ALL", "data:/data",
        "PYRESOLVE_DATA: /data", "PYRESOLVE_ENV_FILE: /data/pyresolve.env")]
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
    [InlineData("deploy/hosts/fly.toml")]
    [InlineData("deploy/hosts/render.yaml")]
    [InlineData("deploy/hosts/railway.json")]
    [InlineData("deploy/kubernetes/kustomization.yaml")]
    public async Task On_a_host_whose_disk_is_thrown_away_the_image_does_not_start_without_a_database(string file)
    {
        var settings = new Dictionary<string, string?>();
        if (file.EndsWith(".toml", StringComparison.Ordinal))
        {
            foreach (var (name, value) in (TomlTable)TomlSerializer.Deserialize<TomlTable>(Text(file))!["env"])
                settings[name] = value.ToString();
        }

        foreach (Match variable in ImageVariable().Matches(Text("deploy/container/Dockerfile")))
            settings[variable.Groups["name"].Value] = variable.Groups["value"].Value;

        var result = await ServerProcess.RunAsync([], settings, TestContext.Current.CancellationToken);

        Text(file).ShouldNotContain("PYRESOLVE_DATA");
        result.ExitCode.ShouldBe(2, result.Output + result.Error);
        result.Error.ShouldStartWith("No store is configured. Set DATABASE_URL=");
        result.Error.ShouldContain("PYRESOLVE_DATA=");
    }

    [Fact]
    public void The_image_of_the_project_has_no_store_either() =>
        Text("src/PyResolve.Server/PyResolve.Server.csproj").ShouldNotContain("PYRESOLVE_DATA");

    /// <summary>The environment would win over the file that <c>init</c> writes.</summary>
    [Theory]
    [InlineData("deploy/compose/compose.yaml")]
    [InlineData("deploy/compose/compose.postgres.yaml")]
    public void Compose_leaves_the_public_address_to_init(string file) => Text(file).ShouldNotContain("PUBLIC_URL");

    [Theory]
    [InlineData("deploy/hosts/fly.toml", "Fly-Client-IP")]
    [InlineData("deploy/hosts/render.yaml", "CF-Connecting-IP")]
    public void A_host_with_two_proxies_names_the_header_with_the_clients_address(string file, string header)
    {
        Text(file).ShouldContain("PyResolve__TrustedProxies");
        Text(file).ShouldContain("PyResolve__ClientAddressHeader");
        Text(file).ShouldContain(header);
        Guide.Text("containers.md").ShouldContain(header);
    }

    [Theory]
    [InlineData("deployment.yaml", "configMapRef:")]
    [InlineData("migrate-schema/job.yaml", "args: [migrate-schema]")]
    [InlineData("backup.yaml", "configMapRef:")]
    [InlineData("restore/job.yaml", "args: [restore, /backups/restore.backup]")]
    public void Every_pod_of_Kubernetes_runs_with_few_rights_and_the_settings(string file, string own)
    {
        var text = Text($"deploy/kubernetes/{file}");

        foreach (var part in (string[])[.. FewRights, "image: pyresolve-server", "secretRef:", own])
            text.ShouldContain(part);
    }

    [Theory]
    [InlineData("backup.yaml", 2)]
    [InlineData("backups/pod.yaml", 1)]
    public void A_pod_with_a_shell_has_no_more_rights_than_the_server_and_none_of_its_secrets(string file, int pods)
    {
        var text = Text($"deploy/kubernetes/{file}");

        foreach (var part in FewRights)
            text.Split(part).Length.ShouldBe(pods + 1, part);
        text[text.IndexOf("image: busybox", StringComparison.Ordinal)..].ShouldNotContain("secretRef:");
    }

    [Fact]
    public void Kubernetes_runs_one_version_of_the_server_and_one_of_the_shell()
    {
        var folders = (string[])["", "migrate-schema/", "restore/"];
        var versions = folders.Select(static folder => Text($"deploy/kubernetes/{folder}kustomization.yaml"))
            .Select(static text => text[text.IndexOf("  - name: pyresolve-server", StringComparison.Ordinal)..].Split('\n')[..3]).ToList();

        versions.ShouldAllBe(version => version.SequenceEqual(versions[0]));
        var shell = Text("deploy/kubernetes/kustomization.yaml").Split("  - name: busybox\n    newTag: \"")[1].Split('"')[0];
        Text("deploy/kubernetes/backups/pod.yaml").ShouldContain($"image: busybox:{shell}\n");
    }

    /// <summary>A job cannot be changed: where kustomize renames its settings with each change, it could not be applied twice.</summary>
    [Theory]
    [InlineData("migrate-schema")]
    [InlineData("restore")]
    public void A_job_that_is_run_by_hand_depends_on_nothing_that_kustomize_renames(string folder)
    {
        Text($"deploy/kubernetes/{folder}/job.yaml").ShouldNotContain("configMap");
        Text($"deploy/kubernetes/{folder}/kustomization.yaml").ShouldNotContain("Generator");
    }

    [Theory]
    [InlineData("deploy/kubernetes")]
    [InlineData("deploy/kubernetes/migrate-schema")]
    [InlineData("deploy/kubernetes/restore")]
    public void Kustomize_names_every_file_of_its_folder(string name)
    {
        var folder = Path.Combine(Guide.Root, name);
        var named = Text($"{name}/kustomization.yaml").Split('\n')
            .Where(static line => line.StartsWith("  - ", StringComparison.Ordinal) && line.EndsWith(".yaml", StringComparison.Ordinal))
            .Select(static line => line[4..]);

        named.ShouldBe(
            Directory.EnumerateFiles(folder, "*.yaml").Select(static file => Path.GetFileName(file))
                .Where(static file => file is not ("kustomization.yaml" or "secret.yaml"))
                .Select(static file => file.Replace(".example", "", StringComparison.Ordinal)),
            ignoreOrder: true);
    }

    [Fact, Trait("Platform", "Linux")]
    public async Task The_unit_of_systemd_is_accepted_and_leaves_the_service_little()
    {
        var analyze = Find("systemd-analyze").ShouldNotBeNull("This test needs systemd-analyze: apt-get install systemd (Debian, Ubuntu).");
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

    [Fact, Trait("Platform", "Linux")]
    public async Task The_configuration_of_Caddy_is_accepted()
    {
        var caddyfile = Path.Combine(Guide.Root, "deploy/compose/Caddyfile");
        var environment = new Dictionary<string, string?> { ["DOMAIN"] = "billing.example.com" };

        var adapted = await Command.RunAsync(
            "caddy", ["adapt", "--config", caddyfile, "--adapter", "caddyfile"], environment,
            cancellationToken: TestContext.Current.CancellationToken);

        adapted.OrThrow("caddy adapt").Output.ShouldContain("pyresolve:8000");
        adapted.Output.ShouldContain("billing.example.com");
    }

    private static string Text(string file) => File.ReadAllText(Path.Combine(Guide.Root, file));

    private static bool IsKnown(string name) =>
        SettingsTable.Find(name, Nothing) is not null
        || SettingsTable.All.Any(one => one.Name.StartsWith($"{name}:", StringComparison.Ordinal));

    private static string? Find(string program) => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
        .Select(folder => Path.Combine(folder, program)).FirstOrDefault(File.Exists);

    [GeneratedRegex(@"^ENV (?<name>[A-Z_]+)=(?<value>\S+)$", RegexOptions.ExplicitCapture | RegexOptions.Multiline, 1000)]
    private static partial Regex ImageVariable();

    [GeneratedRegex(
        @"\b(PYRESOLVE_[A-Z_]+[A-Z]|PyResolve(__|:)[A-Za-z0-9_:]*[A-Za-z0-9]|STRIPE_[A-Z_]+[A-Z]|SUPABASE_[A-Z_]+[A-Z]|DATABASE_URL)\b",
        RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Name();
}
