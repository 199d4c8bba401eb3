namespace PyResolve.TestKit.Tests.Architecture.Sample;

internal static class NoReference
{
    public static string Name => "Target";
}
