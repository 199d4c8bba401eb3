using System.Runtime.CompilerServices;
using Xunit;
using Xunit.v3;

namespace PyResolve.TestKit;

/// <summary>
/// A test on a real Citus. It exists where <c>PYRESOLVE_TEST_CITUS</c> names a coordinator, and in <c>./soak</c> where Citus is installed;
/// elsewhere there is no such test, rather than one that is skipped.
/// </summary>
[AttributeUsage(AttributeTargets.Method)]
[XunitTestCaseDiscoverer(typeof(CitusFactDiscoverer))]
public sealed class CitusFactAttribute(
    [CallerFilePath] string? sourceFilePath = null, [CallerLineNumber] int sourceLineNumber = -1)
    : FactAttribute(sourceFilePath, sourceLineNumber)
{
    /// <summary>It kills nodes: only a Citus of its own will do, and must be installed.</summary>
    public bool NeedsOwnNodes { get; init; }

    internal bool Exists => CitusCluster.IsWanted && (CitusCluster.IsInstalled || (CitusCluster.IsNamed && !NeedsOwnNodes));
}
