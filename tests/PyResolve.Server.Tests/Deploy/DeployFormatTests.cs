using System.Text.Json;
using k8s;
using PyResolve.Server.Hosting;
using PyResolve.Server.Tests.Storage;
using YamlDotNet.Core;

namespace PyResolve.Server.Tests.Deploy;

/// <summary>
/// Every file under deploy/ is read as the program that it is for reads it, or compared with what that program knows: a wrong indentation
/// and a name that is not known are found here.
/// </summary>
public sealed class DeployFormatTests
{
    private static readonly Dictionary<string, Func<string, IReadOnlyList<string>>> Checks = new()
    {
        ["deploy/action/action.yml"] = DeployShapes.Action.FindFaultsInYaml,
        ["deploy/archive/pyresolve.env.example"] = FindFaultsInSettings,
        ["deploy/compose/compose.yaml"] = DeployShapes.Compose.FindFaultsInYaml,
        ["deploy/compose/compose.postgres.yaml"] = DeployShapes.Compose.FindFaultsInYaml,
        ["deploy/compose/compose.proxy.yaml"] = DeployShapes.Compose.FindFaultsInYaml,
        ["deploy/container/Dockerfile"] = FindFaultsInDockerfile,
        ["deploy/grafana/dashboard.json"] = FindFaultsInJson,
        ["deploy/hosts/fly.toml"] = DeployShapes.Fly.FindFaultsInToml,
        ["deploy/hosts/railway.json"] = DeployShapes.Railway.FindFaultsInYaml,
        ["deploy/hosts/render.yaml"] = DeployShapes.Render.FindFaultsInYaml,
        ["deploy/kubernetes/kustomization.yaml"] = DeployShapes.Kustomization.FindFaultsInYaml,
        ["deploy/kubernetes/migrate-schema/kustomization.yaml"] = DeployShapes.Kustomization.FindFaultsInYaml,
        ["deploy/kubernetes/restore/kustomization.yaml"] = DeployShapes.Kustomization.FindFaultsInYaml,
        ["deploy/prometheus/alerts.yaml"] = DeployShapes.Alerts.FindFaultsInYaml,
        ["deploy/prometheus/prometheus.yaml"] = DeployShapes.Prometheus.FindFaultsInYaml,
    };

    /// <summary>Programs and services of other makers run these: the tests of the install scripts, of proxies and of systemd.</summary>
    private static readonly string[] Exercised =
    [
        "deploy/install.sh", "deploy/install.ps1", "deploy/systemd/pyresolve.service", "deploy/compose/Caddyfile",
    ];

    private static readonly string[] OfNoProgram = ["deploy/archive/README.md", "deploy/kubernetes/.gitignore"];

    public static TheoryData<string> Files => [.. All.Except(Exercised).Except(OfNoProgram)];

    private static IEnumerable<string> All =>
        Directory.EnumerateFiles(Path.Combine(Guide.Root, "deploy"), "*", SearchOption.AllDirectories)
            .Select(static file => Path.GetRelativePath(Guide.Root, file).Replace('\\', '/'))
            // The operator's own, which is not in the repository.
            .Where(static file => file != "deploy/kubernetes/secret.yaml" && !file.EndsWith("/.env", StringComparison.Ordinal));

    [Theory, MemberData(nameof(Files))]
    public void A_file_has_only_what_its_program_knows(string file)
    {
        var check = Checks.GetValueOrDefault(file)
            ?? (file.StartsWith("deploy/kubernetes/", StringComparison.Ordinal) ? FindFaultsInObjects : null);

        check.ShouldNotBeNull($"{file} is new: how is it checked?");
        check(Read(file)).ShouldBeEmpty(file);
    }

    [Theory]
    [InlineData("deploy/compose/compose.yaml", "    read_only: true", "    readonly: true", "/services/pyresolve/readonly is not known")]
    [InlineData("deploy/compose/compose.yaml", "    ports:", "  ports:", "While parsing a block mapping")]
    [InlineData("deploy/hosts/fly.toml", "internal_port", "internalPort", "/http_service/internalPort is not known")]
    [InlineData("deploy/hosts/fly.toml", "path = \"/health/ready\"", "path = 1", "/http_service/checks[0]/path is 1")]
    [InlineData("deploy/hosts/render.yaml", "numInstances: 2", "numInstances: two", "/services[0]/numInstances is two")]
    [InlineData("deploy/hosts/railway.json", "healthcheckPath", "healthCheckPath", "/deploy/healthCheckPath is not known")]
    [InlineData("deploy/container/Dockerfile", "EXPOSE", "VOLUME /data\nEXPOSE", "VOLUME is not known")]
    [InlineData("deploy/kubernetes/deployment.yaml", "replicas: 2", "replica: 2", "replica")]
    [InlineData("deploy/kubernetes/deployment.yaml", "          readinessProbe:", "        readinessProbe:", "parsing a block collection")]
    [InlineData("deploy/prometheus/alerts.yaml", "    rules:", "   rules:", "")]
    public void What_is_wrong_in_a_file_is_found(string file, string right, string wrong, string fault)
    {
        var text = Read(file);
        text.ShouldContain(right);
        var check = Checks.GetValueOrDefault(file) ?? FindFaultsInObjects;

        var faults = FindFaults(check, text.Replace(right, wrong, StringComparison.Ordinal));

        faults.ShouldNotBeEmpty();
        faults[0].ShouldContain(fault);
    }

    private static string Read(string file) => File.ReadAllText(Path.Combine(Guide.Root, file));

    private static IReadOnlyList<string> FindFaults(Func<string, IReadOnlyList<string>> check, string text)
    {
        try
        {
            return check(text);
        }
        catch (YamlException exception)
        {
            return [exception.InnerException?.Message ?? exception.Message];
        }
    }

    /// <summary>By Kubernetes's own client, whose classes are made from its API.</summary>
    private static IReadOnlyList<string> FindFaultsInObjects(string text)
    {
        try
        {
            return KubernetesYaml.LoadAllFromString(text, strict: true).Count > 0 ? [] : ["There is no object."];
        }
        catch (YamlException exception)
        {
            return [exception.InnerException?.Message ?? exception.Message];
        }
    }

    private static IReadOnlyList<string> FindFaultsInDockerfile(string text) =>
    [
        .. text.ReplaceLineEndings("\n").Replace("\\\n", " ", StringComparison.Ordinal).Split('\n')
            .Where(static line => line.Length > 0 && line[0] != '#')
            .Select(static line => line.Split(' ')[0])
            .Except(["FROM", "ARG", "WORKDIR", "COPY", "RUN", "ENV", "EXPOSE", "USER", "ENTRYPOINT"])
            .Select(static name => $"{name} is not known, or refused by Railway"),
    ];

    private static IReadOnlyList<string> FindFaultsInJson(string text)
    {
        using var document = JsonDocument.Parse(text, new JsonDocumentOptions { AllowDuplicateProperties = false });
        return document.RootElement.TryGetProperty("panels", out _) ? [] : ["There are no panels."];
    }

    /// <summary>Also what is commented out, which people take into use.</summary>
    private static IReadOnlyList<string> FindFaultsInSettings(string text)
    {
        var file = Path.GetTempFileName();
        try
        {
            File.WriteAllLines(file, text.Split('\n').Select(static line => line.StartsWith('#')
                && line.Length > 1 && char.IsAsciiLetter(line[1]) ? line[1..] : line));
            return EnvironmentFile.Read(file).Count > 10 ? [] : ["There are few settings."];
        }
        finally
        {
            File.Delete(file);
        }
    }
}
