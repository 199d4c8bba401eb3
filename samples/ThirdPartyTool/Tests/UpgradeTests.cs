using Microsoft.Extensions.DependencyInjection;
using PyResolve.Testing;
using UtcNow;
using Xunit;

namespace UtcNow.Tests;

/// <summary>The tool's own container, with a PyResolve server in memory: no account and no network.</summary>
public sealed class UpgradeTests : IDisposable
{
    private const string Old = "from datetime import datetime\n\nstarted = datetime.utcnow()\n";
    private const string New = "from datetime import datetime, timezone\n\nstarted = datetime.now(timezone.utc)\n";

    private readonly FakePyResolveServer _server = FakePyResolveServer.Start();
    private readonly string _folder = Directory.CreateTempSubdirectory("utcnow-").FullName;
    private readonly StringWriter _output = new();
    private readonly StringWriter _error = new();

    private string App => Path.Combine(_folder, "app.py");

    [Fact]
    public async Task An_upgrade_that_changes_files_uses_one_migration()
    {
        await File.WriteAllTextAsync(App, Old, TestContext.Current.CancellationToken);

        var exitCode = await RunAsync();

        Assert.Equal(0, exitCode);
        Assert.Equal(New, await File.ReadAllTextAsync(App, TestContext.Current.CancellationToken));
        Assert.Equal(1, _server.Account.MigrationsUsed);
        Assert.Equal("Files changed: 1. Migrations left this month: 4.", _output.ToString().Trim());
    }

    [Fact]
    public async Task An_upgrade_that_changes_nothing_uses_none()
    {
        await File.WriteAllTextAsync(App, New, TestContext.Current.CancellationToken);

        var exitCode = await RunAsync();

        Assert.Equal(0, exitCode);
        Assert.Equal(0, _server.Account.MigrationsUsed);
        Assert.Equal("released", Assert.Single(_server.Account.Holds).State);
    }

    [Fact]
    public async Task A_used_up_quota_is_explained_and_no_file_is_touched()
    {
        await File.WriteAllTextAsync(App, Old, TestContext.Current.CancellationToken);
        _server.Account.UseUpQuota();

        var exitCode = await RunAsync();

        Assert.Equal(3, exitCode);
        Assert.Contains("Monthly limit reached", _error.ToString(), StringComparison.Ordinal);
        Assert.Equal(Old, await File.ReadAllTextAsync(App, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task An_answer_that_is_lost_on_the_way_does_not_charge_twice()
    {
        await File.WriteAllTextAsync(App, Old, TestContext.Current.CancellationToken);
        _server.Inject(Fault.DropAnswer, "POST /quota/reservations");

        var exitCode = await RunAsync();

        Assert.Equal(0, exitCode);
        Assert.Equal(1, _server.Account.MigrationsUsed);
    }

    public void Dispose()
    {
        _server.Dispose();
        _output.Dispose();
        _error.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private async Task<int> RunAsync()
    {
        await using var services = new ServiceCollection().AddUtcNow().UseFakePyResolveServer(_server).BuildServiceProvider();
        return await services.GetRequiredService<Upgrade>().RunAsync(_folder, _output, _error, TestContext.Current.CancellationToken);
    }
}
