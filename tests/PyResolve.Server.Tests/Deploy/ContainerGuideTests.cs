using System.Globalization;
using k8s;
using k8s.Models;
using PyResolve.Server.Tests.Storage;

namespace PyResolve.Server.Tests.Deploy;

/// <summary>The steps of docs/containers.md, run a second time, by stand-ins for docker and kubectl.</summary>
[Trait("Platform", "Linux")]
public sealed class ContainerGuideTests : IDisposable
{
    private readonly GuideMachine _machine = new();

    public void Dispose() => _machine.Dispose();

    [Fact]
    public async Task Compose_backs_up_outside_its_volume_upgrades_and_restores_into_a_new_one()
    {
        AddDocker();
        var makeFolder = Guide.Block("containers.md", "sh", "install -d -o 1654");
        var backup = Guide.Block("containers.md", "sh", "pyresolve backup");
        var upgrade = Guide.Block("containers.md", "sh", "docker compose build");
        var restore = Guide.Block("containers.md", "sh", "pyresolve restore");
        await _machine.RunAsync(Guide.Block("containers.md", "sh", "pyresolve init"));

        for (var time = 0; time < 2; time++)
        {
            await _machine.RunAsync(makeFolder);
            await _machine.RunAsync(backup);
            await _machine.RunAsync(upgrade);
        }

        _machine.Names("/work/backups", "*").ShouldBe(["20261130T210000Z.backup", "20261130T210001Z.backup", "pyresolve.env"]);
        // As docker compose down --volumes.
        Directory.Delete(_machine.PathOf("/data"), recursive: true);
        Directory.CreateDirectory(_machine.PathOf("/data"));
        await _machine.RunAsync(restore);
        (await _machine.RunAsync("docker compose run --rm pyresolve accounts list")).ShouldContain("you@example.com");
        _machine.Read("/data/pyresolve.env").ShouldBe(_machine.Read("/work/backups/pyresolve.env"));
        (await _machine.TryAsync(restore)).Error.ShouldContain("not empty");
    }

    [Fact]
    public async Task Kubernetes_backs_up_upgrades_and_restores_more_than_once()
    {
        AddKubectl();
        var blocks = Guide.Blocks("containers.md", "sh")
            .Where(static block => block.Contains("kubectl", StringComparison.Ordinal)).ToList();
        blocks.Count.ShouldBe(5);

        for (var time = 0; time < 2; time++)
        {
            foreach (var block in blocks)
                await _machine.RunAsync(block);
        }

        var jobs = _machine.Names("/state", "job-backup-*");
        jobs.Count.ShouldBe(2);
        jobs.ShouldAllBe(static job => job.Length <= 52
            && job.All(static one => char.IsAsciiLetterLower(one) || char.IsAsciiDigit(one) || one == '-'));
        _machine.Lines("/state/log").Count(static line => line.StartsWith("scale ", StringComparison.Ordinal)).ShouldBe(4);
    }

    [Fact]
    public async Task The_newest_backups_are_kept_by_number_and_what_a_killed_one_left_goes_after_a_day()
    {
        var script = KubernetesYaml.LoadAllFromString(await File.ReadAllTextAsync(
                Path.Combine(Guide.Root, "deploy/kubernetes/backup.yaml"), TestContext.Current.CancellationToken))
            .OfType<V1CronJob>().Single(static job => job.Metadata.Name == "delete-old-backups")
            .Spec.JobTemplate.Spec.Template.Spec.Containers.Single().Command[^1];
        var now = TimeProvider.System.GetUtcNow().UtcDateTime;
        await _machine.RunAsync(script);
        for (var day = 1; day <= 20; day++)
            Write(string.Create(CultureInfo.InvariantCulture, $"backup-{(day * 7) % 20:00}.backup"), TimeSpan.FromDays(day));
        Write("killed.backup.abcdefgh.ijk", TimeSpan.FromDays(2));
        Write("running.backup.abcdefgh.ijk", TimeSpan.FromHours(2));
        var newest = Directory.EnumerateFiles(_machine.PathOf("/backups"), "*.backup").OrderByDescending(File.GetLastWriteTimeUtc).Take(14)
            .Select(static file => Path.GetFileName(file));
        string[] expected = [.. newest, "running.backup.abcdefgh.ijk"];

        await _machine.RunAsync(script);
        await _machine.RunAsync(script);

        _machine.Names("/backups", "*").ShouldBe(expected, ignoreOrder: true);

        void Write(string name, TimeSpan age)
        {
            File.WriteAllText(_machine.PathOf($"/backups/{name}"), "");
            File.SetLastWriteTimeUtc(_machine.PathOf($"/backups/{name}"), now - age);
        }
    }

    /// <summary>It runs the server, or a program of this machine, with the folders that are mounted.</summary>
    private void AddDocker() => _machine.Add("docker", """
        map="s|^/data|$ROOT/data|"
        if [ "$1" = compose ]; then
          shift
          [ "$1" = run ] || exit 0
          export PYRESOLVE_DATA="$ROOT/data" PYRESOLVE_ENV_FILE=/data/pyresolve.env
        fi
        shift
        while :; do
          case $1 in
            --rm) ;;
            --user) [ "$2" = 1654:1654 ]; shift ;;
            --volume)
              from=${2%%:*}
              [ "$from" != pyresolve_data ] || from=$ROOT/data
              [ -d "$from" ]
              map="$map;s|^${2#*:}|$from|"
              shift
              ;;
            --env) export "$2"; shift ;;
            *) break ;;
          esac
          shift
        done
        image=$1
        shift
        for argument; do
          set -- "$@" "$(echo "$argument" | sed "$map")"
          shift
        done
        case $image in
          pyresolve)
            PYRESOLVE_ENV_FILE=$(echo "$PYRESOLVE_ENV_FILE" | sed "$map")
            exec server "$@"
            ;;
          busybox) exec "$@" ;;
          *) exit 1 ;;
        esac
        """);

    /// <summary>It knows which jobs and pods there are, and runs none. A job or a pod that has ended stays until it is deleted.</summary>
    private void AddKubectl() => _machine.Add("kubectl", $$"""
        [ "$1" != --namespace ] || { [ "$2" = pyresolve ]; shift 2; }
        echo "$@" >>"$STATE/log"
        make() {
          [ ! -e "$STATE/$1" ] || { echo "AlreadyExists: $1" >&2; exit 1; }
          touch "$STATE/$1"
        }
        for last; do :; done
        case $1 in
          create) make "job-$last" ;;
          delete) [ "$last" = --ignore-not-found ] || [ -e "$STATE/$2-$3" ]; rm -f "$STATE/$2-$3" ;;
          apply)
            [ -e "{{Guide.Root}}/$last" ]
            case $last in
              */migrate-schema | */restore) make "job-${last##*/}" ;;
              */pod.yaml) make pod-backups ;;
            esac
            ;;
          wait) [ -e "$STATE/${last%/*}-${last#*/}" ] ;;
          cp | exec) [ -e "$STATE/pod-backups" ] ;;
          scale | rollout) ;;
          *) exit 1 ;;
        esac
        """);
}
