using System.Reflection;
using Xunit;
using Xunit.Sdk;
using Xunit.v3;

namespace PyResolve.TestKit;

/// <summary>As <see cref="OnBothEnginesAttribute"/>, and once as on Citus: for what the server does with the accounts' ledgers.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class OnEveryEngineAttribute : DataAttribute
{
    private static IEnumerable<StorageEngine> Engines =>
        TestStore.IsPooled ? [StorageEngine.Postgres] : Enum.GetValues<StorageEngine>();

    public override ValueTask<IReadOnlyCollection<ITheoryDataRow>> GetData(MethodInfo testMethod, DisposalTracker disposalTracker) =>
        new([.. Engines.Select(engine => new TheoryDataRow(engine).WithTrait("Engine", engine.ToString()))]);

    public override bool SupportsDiscoveryEnumeration() => true;
}
