using System.Diagnostics;

namespace PyResolve.TestKit.Tests.Architecture.Sample;

// One class for each way in which a type can name another one.
#pragma warning disable CS0649, CA1823, CA1812, MA0182, CS0169, CS0414, IDE0051, IDE0044, CA1852

internal class InField
{
    private Target[]? _target;
}

internal class InBase : Target;

internal class InInterface : ITarget;

internal class InGenericArgument
{
    private Dictionary<string, List<Target>>? _targets;
}

internal class InConstraint<T>
    where T : Target;

internal class InParameter
{
    public void Accept(TargetKind kind) => Debug.WriteLine("");
}

internal class InBody
{
    public static int Count => Target.Count;
}

internal class InLocal
{
    public static bool Compare(object one)
    {
        var target = one as Target;
        return target is not null;
    }
}

internal class InLambda
{
    public static Func<int, int> Add { get; } = number => number + Target.Count;
}

internal class InAsyncMethod
{
    public static async Task RunAsync()
    {
        await Task.Yield();
        await Target.RunAsync();
    }
}

internal class InIterator
{
    public static IEnumerable<int> List()
    {
        yield return Target.Count;
    }
}

internal class InCatch
{
    public static void Run()
    {
        try
        {
            Debug.WriteLine("");
        }
        catch (TargetException)
        {
        }
    }
}

internal class InNestedType
{
    private static class Inner
    {
        public static int Count => Target.Count;
    }
}

internal class InGenericMethod
{
    public static Target[] Make() => Array.Empty<Target>();
}

internal class InTypeof
{
    public static Type Type => typeof(Target);
}

[Target]
internal class InAttribute;

internal class InAttributeArgument
{
    [DebuggerTypeProxy(typeof(Target))]
    private class Inner;
}

internal delegate void InDelegate(Target target);

internal record InRecord(Target Target);
