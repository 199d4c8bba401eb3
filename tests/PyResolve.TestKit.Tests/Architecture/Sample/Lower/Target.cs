namespace PyResolve.TestKit.Tests.Architecture.Sample;

internal interface ITarget;

internal class Target
{
    public static int Count { get; set; }

    public static Task RunAsync() => Task.CompletedTask;
}

internal sealed class TargetException : Exception;

internal enum TargetKind
{
    First,
}

[AttributeUsage(AttributeTargets.All)]
internal sealed class TargetAttribute : Attribute;
