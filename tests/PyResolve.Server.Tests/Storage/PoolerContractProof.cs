using System.Globalization;
using System.Text.RegularExpressions;
using PyResolve.Server.Tests.Quota;
using PyResolve.Server.Tests.Usage;

namespace PyResolve.Server.Tests.Storage;

/// <summary>
/// The storage contract through PgBouncer in transaction mode: this assembly's own tests, run by another process whose servers reach
/// PostgreSQL through a pooler.
/// </summary>
[Trait("Category", "Proof")]
public sealed partial class PoolerContractProof
{
    private static readonly Type[] Always =
    [
        typeof(SqlRowsTests), typeof(LastStatementsTests), typeof(ReservationTests), typeof(ReservationRetryTests),
        typeof(ReservationUsageTests), typeof(UsageTests),
    ];

    /// <summary>All that one test runs on both engines, but what needs sessions of its own, which a pooler does not give.</summary>
    private static readonly Type[] All =
    [
        .. Always,
        .. typeof(PoolerContractProof).Assembly.GetTypes().Except(Always).Where(static type =>
            type.Name.EndsWith("Tests", StringComparison.Ordinal)
            && type.GetMethods().Any(static method => method.IsDefined(typeof(OnBothEnginesAttribute), inherit: false)
                || method.IsDefined(typeof(OnEveryEngineAttribute), inherit: false))),
    ];

    [Fact]
    public async Task The_contract_holds_behind_a_transaction_pooler()
    {
        var classes = Scale.Pick(Always, All);
        var result = await TestKit.Command.RunAsync(
            ServerProcess.Muxer(),
            [
                typeof(PoolerContractProof).Assembly.Location, "-noColor", "-noLogo", "-trait-", "Needs=Sessions",
                .. classes.SelectMany(type => new[] { "-class", type.FullName! }),
            ],
            new Dictionary<string, string?> { [TestStore.PooledVariable] = "1", ["PYRESOLVE_SOAK"] = null, ["PYRESOLVE_PROOFS"] = null },
            workingDirectory: AppContext.BaseDirectory,
            cancellationToken: TestContext.Current.CancellationToken);

        result.ExitCode.ShouldBe(0, result.Output);
        var total = int.Parse(Total().Match(result.Output).Groups["total"].Value, CultureInfo.InvariantCulture);
        total.ShouldBeGreaterThan(30);
        Proofs.Report("PgBouncer", string.Create(
            CultureInfo.InvariantCulture,
            $"{total} tests of {classes.Length} classes passed on PostgreSQL behind PgBouncer in transaction mode, with four connections "
            + $"to each database."));
    }

    [GeneratedRegex(@"Total: (?<total>\d+)", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Total();
}
