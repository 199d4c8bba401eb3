using System.Reflection;
using Xunit;
using Xunit.Sdk;
using Xunit.v3;

namespace PyResolve.TestKit;

/// <summary>
/// Runs a theory once on each storage engine: its only parameter is a <see cref="StorageEngine"/>. Each case has the trait <c>Engine</c>,
/// so that <c>--filter Engine!=Postgres</c> needs no PostgreSQL.
/// </summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class OnBothEnginesAttribute : DataAttribute
{
    // Through a pooler there is nothing to show about SQLite.
    private static IEnumerable<StorageEngine> Engines => TestStore.IsPooled ? [StorageEngine.Postgres] : StorageEngines.Both;

    public override ValueTask<IReadOnlyCollection<ITheoryDataRow>> GetData(MethodInfo testMethod, DisposalTracker disposalTracker) =>
        new([.. Engines.Select(engine => new TheoryDataRow(engine).WithTrait("Engine", engine.ToString()))]);

    public override bool SupportsDiscoveryEnumeration() => true;
}
