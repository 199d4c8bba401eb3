using PyResolve.Client.Wire;

namespace PyResolve.Client;

/// <summary>
/// What a caller cannot be expected to plan for: a bad key, no network, a server error, a broken configuration. A refused permit is not one
/// (see <see cref="QuotaPermit.Denial"/>). The message is one line: the cause, and what mends it. No key is ever in it.
/// </summary>
public class PyResolveException : Exception
{
    /// <summary>An exception with a stable code and a message for people.</summary>
    /// <param name="code">One of <see cref="PyResolveErrorCodes"/> or <see cref="ProblemCodes"/>.</param>
    /// <param name="message">The cause and the mend, in one line.</param>
    /// <param name="innerException">What lies beneath, if anything.</param>
    public PyResolveException(string code, string message, Exception? innerException = null)
        : base(message, innerException) => Code = Guard.NotNull(code);

    /// <summary>One of <see cref="PyResolveErrorCodes"/> or <see cref="ProblemCodes"/>, or a newer server's word.</summary>
    public string Code { get; }

    /// <summary>The HTTP status; <see langword="null"/> when there was no answer.</summary>
    public int? Status { get; init; }

    /// <summary>Finds the request in the server's log; <see langword="null"/> when the server did not say.</summary>
    public string? RequestId { get; init; }

    /// <summary>How long the server asks to wait before another try; <see langword="null"/> when it did not say.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>Whether no PyResolve server answered: there was no connection, no answer in time, or one of somebody else's.</summary>
    internal bool IsOutOfReach => Code is PyResolveErrorCodes.Unreachable or PyResolveErrorCodes.Timeout or PyResolveErrorCodes.UnexpectedAnswer;

    /// <summary>The server's own account of it; <see langword="null"/> when there was none.</summary>
    public Problem? Problem { get; init; }
}
