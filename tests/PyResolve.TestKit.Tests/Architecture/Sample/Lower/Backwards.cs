namespace PyResolve.TestKit.Tests.Architecture.Sample;

/// <summary>The one reference from the lower folder to the upper one: with it, the two are a cycle.</summary>
internal static class Backwards
{
    public static object Make() => new InField();
}
