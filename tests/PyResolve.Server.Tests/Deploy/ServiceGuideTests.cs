using PyResolve.Server.Tests.Storage;

namespace PyResolve.Server.Tests.Deploy;

/// <summary>The steps of docs/install.md and docs/hosting.md, run a second and a third time.</summary>
[Trait("Platform", "Linux")]
public sealed class ServiceGuideTests : IDisposable
{
    private const string Program = "/opt/pyresolve-server";
    private const string Before = "/opt/pyresolve-server.old";

    private static readonly string Install = Guide.Block("install.md", "sh", "pyresolve-server init");
    private static readonly string Backup = Guide.Block("install.md", "sh", "before-$(date");
    private static readonly string ChangePlaces = Guide.Block("install.md", "sh", "cmp -s");
    private static readonly string GoBack = Guide.Block("install.md", "sh", "[ -d /opt/pyresolve-server.old ]");

    private readonly List<GuideMachine> _machines = [];

    public void Dispose()
    {
        foreach (var machine in _machines)
            machine.Dispose();
    }

    [Fact]
    public async Task Each_upgrade_keeps_the_version_before_it_and_the_way_back_leads_there_and_forth_again()
    {
        var machine = await CreateAsync(version: 1);
        await machine.RunAsync(Install);
        await machine.RunAsync(Install);

        foreach (var version in (int[])[2, 3, 4])
        {
            await BringAsync(machine, version);
            await machine.RunAsync(Backup);
            // Again, because somebody was not sure whether it was done.
            await machine.RunAsync(ChangePlaces);
            await machine.RunAsync(ChangePlaces);

            Versions(machine).ShouldBe(($"{version}", $"{version - 1}"));
        }

        await machine.RunAsync(GoBack);
        Versions(machine).ShouldBe(("3", "4"));
        await machine.RunAsync(GoBack);
        Versions(machine).ShouldBe(("4", "3"));
        machine.Names("/var/lib/pyresolve", "before-*.backup").Count.ShouldBe(3);
        machine.Lines("/state/systemctl").Count(static line => line == "restart pyresolve").ShouldBe(5);
    }

    [Fact]
    public async Task An_archive_that_is_missing_or_damaged_leaves_the_version_that_runs_in_its_place()
    {
        var machine = await CreateAsync(version: 1);
        await machine.RunAsync(Install);
        await BringAsync(machine, version: 2);
        await machine.RunAsync(ChangePlaces);
        var archive = Path.Combine(machine.Work, "pyresolve-server-linux-x64.tar.gz");

        await File.WriteAllTextAsync(archive, "<html>Not found</html>", TestContext.Current.CancellationToken);
        await machine.TryAsync(ChangePlaces);
        File.Delete(archive);
        await machine.TryAsync(ChangePlaces);

        Versions(machine).ShouldBe(("2", "1"));
    }

    [Fact]
    public async Task Where_there_is_no_version_before_going_back_changes_nothing()
    {
        var machine = await CreateAsync(version: 1);
        await machine.RunAsync(Install);

        (await machine.TryAsync(GoBack)).ExitCode.ShouldBe(1);

        machine.Read($"{Program}/version").ShouldBe("1");
    }

    [Fact]
    public async Task A_server_moves_to_another_machine_and_on_to_a_third_one()
    {
        var write = Guide.Block("install.md", "sh", "rm -f /var/lib/pyresolve/moved.backup");
        var receive = Guide.Block("install.md", "sh", "install -m 0600 pyresolve.env");
        var restore = Guide.Block("install.md", "sh", "restore /var/lib/pyresolve/moved.backup");
        var machine = await CreateAsync(version: 1);
        await machine.RunAsync(Install);

        for (var move = 0; move < 2; move++)
        {
            var next = await CreateAsync(version: 1);
            await machine.RunAsync(write);
            await machine.RunAsync(write);
            File.Copy(machine.PathOf("/var/lib/pyresolve/moved.backup"), Path.Combine(next.Work, "moved.backup"));
            // The step between: the new folder.
            await File.WriteAllTextAsync(
                Path.Combine(next.Work, "pyresolve.env"),
                machine.Read("/etc/pyresolve/pyresolve.env").Replace(machine.PathOf("/var/lib"), next.PathOf("/var/lib")) + "\n",
                TestContext.Current.CancellationToken);
            await next.RunAsync(receive);
            await next.RunAsync(restore);
            machine = next;
        }

        var doctor = Guide.Block("install.md", "sh", "pyresolve-server doctor");
        (await machine.RunAsync(doctor.Replace("doctor", "accounts list"))).ShouldContain("ada@example.com");
        (await machine.TryAsync(restore)).Error.ShouldContain("not empty");
    }

    [Fact]
    public async Task A_backup_of_every_night_needs_no_folder_and_overwrites_nothing()
    {
        var machine = await CreateAsync(version: 1);
        machine.Add("pyresolve-server", """export PYRESOLVE_DATA="$ROOT/var/lib/pyresolve"; exec server "$@" """);
        await machine.RunAsync("pyresolve-server migrate-schema");
        Directory.Delete(machine.PathOf("/backups"));
        var block = Guide.Block("hosting.md", "sh", "mkdir -p /backups");

        await machine.RunAsync(block);
        await machine.RunAsync(block);

        machine.Names("/backups", "*").ShouldBe(["20261130T210000Z.backup", "20261130T210001Z.backup"]);
    }

    [Fact]
    public void Commands_as_the_user_of_the_service_need_no_terminal()
    {
        foreach (var page in (string[])["install.md", "hosting.md", "troubleshooting.md", "operators.md", "accounts.md", "upgrading.md"])
        {
            foreach (var line in Guide.Lines(page, "systemd-run "))
                line.ShouldStartWith("systemd-run --pipe --wait --collect --uid=pyresolve ", customMessage: page);
        }
    }

    private static (string Now, string Before) Versions(GuideMachine machine)
    {
        Directory.Exists(machine.PathOf($"{Before}/pyresolve-server")).ShouldBeFalse();
        return (machine.Read($"{Program}/version"), machine.Read($"{Before}/version"));
    }

    private async Task<GuideMachine> CreateAsync(int version)
    {
        var machine = new GuideMachine();
        _machines.Add(machine);
        machine.Add("systemctl", """echo "$@" >>"$STATE/systemctl" """);
        machine.Add("id", """[ -e "$STATE/user" ]""");
        machine.Add("useradd", """[ ! -e "$STATE/user" ] && touch "$STATE/user" """);
        machine.Add("chown", "[ -e \"$STATE/user\" ]");
        machine.Add("systemd-run", """
            [ -e "$STATE/user" ]
            for option in --pipe --wait --uid=pyresolve; do
              case " $* " in *" $option "*) ;; *) echo "$option is missing" >&2; exit 1 ;; esac
            done
            while :; do
              case $1 in
                --property=EnvironmentFile=*) set -a; . "${1#--property=EnvironmentFile=}"; set +a ;;
                --*) ;;
                *) break ;;
              esac
              shift
            done
            exec "$@"
            """);
        await BringAsync(machine, version);
        return machine;
    }

    /// <summary>An archive as a release has it, but for the program, which is the server of these tests.</summary>
    private static async Task BringAsync(GuideMachine machine, int version)
    {
        var folder = Directory.CreateDirectory(machine.PathOf($"/state/{version}/pyresolve-server")).FullName;
        machine.Add("pyresolve-server", $"[ \"$1\" != --version ] || {{ echo {version}; exit; }}\nexec server \"$@\"");
        File.Move(machine.PathOf("/bin/pyresolve-server"), Path.Combine(folder, "pyresolve-server"), overwrite: true);
        await File.WriteAllTextAsync(Path.Combine(folder, "version"), $"{version}\n");
        await File.WriteAllTextAsync(Path.Combine(folder, "pyresolve.service"), "[Service]\n");
        await machine.RunAsync($"tar -czf pyresolve-server-linux-x64.tar.gz -C \"$STATE/{version}\" pyresolve-server");
    }
}
