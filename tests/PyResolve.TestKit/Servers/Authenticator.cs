using OtpNet;

namespace PyResolve.TestKit;

/// <summary>An app on a telephone, whose clock is the server's unless a test says otherwise.</summary>
public sealed class Authenticator(string secret, TimeProvider clock)
{
    private const int StepSeconds = 30;

    private readonly Totp _totp = new(Base32Encoding.ToBytes(secret));

    public string Secret => secret;

    /// <param name="steps">How many steps its clock is ahead; negative: behind.</param>
    public string Code(int steps = 0) => _totp.ComputeTotp(clock.GetUtcNow().UtcDateTime.AddSeconds(StepSeconds * steps));

    /// <summary>Six digits that are not the code of any step near this one.</summary>
    public string WrongCode() => Enumerable.Range(0, 10)
        .Select(digit => new string((char)('0' + digit), 6))
        .First(code => Enumerable.Range(-3, 7).All(steps => Code(steps) != code));
}
