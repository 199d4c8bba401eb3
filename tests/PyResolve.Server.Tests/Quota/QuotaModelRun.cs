using System.Globalization;
using PyResolve.Server.Ledger;
using PyResolve.Server.Plans;

namespace PyResolve.Server.Tests.Quota;

/// <summary>Runs commands on a new account of the server and on the model.</summary>
internal sealed class QuotaModelRun
{
    private readonly OwnServer _own;
    private readonly TestAccount _account;
    private readonly QuotaModel _model = new();
    private readonly List<Guid> _ids = [];

    private QuotaModelRun(OwnServer own, TestAccount account)
    {
        _own = own;
        _account = account;
    }

    private DateTimeOffset Now => _own.Clock.GetUtcNow();

    private string Month => Now.ToString("yyyy-MM", CultureInfo.InvariantCulture);

    /// <summary>Blocks, because FsCheck's properties are synchronous.</summary>
    public static bool Run(OwnServer own, IEnumerable<Command> commands) => Task.Run(async () =>
    {
        var run = new QuotaModelRun(own, await own.SignUpAsync());
        foreach (var command in commands)
            await run.StepAsync(command);
        return true;
    }).GetAwaiter().GetResult();

    private async Task StepAsync(Command command)
    {
        await ApplyAsync(command);
        var quota = await _account.Key.GetAsync("/quota");
        (quota["migrations_used"].GetInt64(), quota["migrations_held"].GetInt64())
            .ShouldBe((_model.Used(Month), _model.Held(Month)), command.ToString());
    }

    private Task ApplyAsync(Command command) => command switch
    {
        Command.Reserve reservation => ReserveAsync(reservation),
        Command.Commit commit when _ids.Count > 0 => CommitAsync(commit.Which % _ids.Count, commit.Quantity),
        Command.Extend extend when _ids.Count > 0 => ExtendAsync(extend.Which % _ids.Count, extend.Minutes),
        Command.Release release when _ids.Count > 0 => ReleaseAsync(release.Which % _ids.Count),
        Command.Report report when _ids.Count > 0 => ReportAsync(report.Which % _ids.Count),
        Command.Use => UseAsync(),
        Command.Wait wait => WaitAsync(wait.Minutes),
        Command.Change change => ChangeAsync(change.Plan),
        _ => Task.CompletedTask,
    };

    private async Task ReserveAsync(Command.Reserve reservation)
    {
        var answer = await _account.ReserveAsync(
            reservation.Quantity, ttlSeconds: reservation.Minutes * 60, machine: reservation.IsLeased ? "m" : null);
        var isGranted = _model.Reserve(
            reservation.Quantity, Month, Now, Now.AddMinutes(reservation.Minutes), reservation.IsLeased);
        answer.Status.ShouldBe(isGranted ? 201 : 402, reservation.ToString());
        if (isGranted)
            _ids.Add(answer.Id());
    }

    private async Task CommitAsync(int index, int? quantity)
    {
        var answer = await _account.CommitAsync(_ids[index], quantity is null ? null : new { quantity });
        answer.Status.ShouldBe(_model.Commit(index, quantity));
    }

    private async Task ExtendAsync(int index, int minutes)
    {
        var answer = await _account.ExtendAsync(_ids[index], minutes * 60);
        var expiresAt = _model.Extend(index, Now.AddMinutes(minutes));
        answer.Status.ShouldBe(expiresAt is null ? 409 : 200);
        if (expiresAt is not null)
            answer["expires_at"].GetDateTimeOffset().ShouldBe(expiresAt.Value);
    }

    private async Task ReleaseAsync(int index) => (await _account.ReleaseAsync(_ids[index])).Status.ShouldBe(_model.Release(index));

    private async Task ReportAsync(int index)
    {
        (await _account.SpendAsync(_ids[index])).Status.ShouldBe(200);
        _model.Report(index);
    }

    private async Task UseAsync()
    {
        (await _account.Key.PostAsync("/usage", new { event_type = "migration", tier = "tier1" })).Status.ShouldBe(200);
        _model.Use(Month);
    }

    private Task WaitAsync(int minutes)
    {
        _own.Clock.Advance(TimeSpan.FromMinutes(minutes));
        _model.MoveTo(_own.Clock.GetUtcNow());
        return Task.CompletedTask;
    }

    private async Task ChangeAsync(string plan)
    {
        await _own.Store.ExecuteSqlAsync($"update profiles set plan = '{plan}' where id = '{_account.UserId}'");
        _model.Limit = plan switch
        {
            "free" => 5,
            "pro" => 50,
            _ => null,
        };
    }
}
