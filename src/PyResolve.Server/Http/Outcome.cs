namespace PyResolve.Server.Http;

internal readonly record struct Outcome<T>(T? Value, ProblemResult? Problem)
    where T : class
{
    public static implicit operator Outcome<T>(T value) => new(value, null);

    public static implicit operator Outcome<T>(ProblemResult problem) => new(null, problem);
}
