"""What the checks of the notebooks say to an empty cell, to the solution and to wrong answers.

After nbval has run a notebook, each answer is run in its exercise cell, and the check below it, in that same kernel; a
notebook that nbval has not run is run here.
"""

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import nbformat
from nbclient import NotebookClient


def one_step(*order: str) -> str:
    """The answer to the second exercise of notebook 05 with these lines in this order."""
    lines = {
        "zero": "optimizer.zero_grad()",
        "value": "value = cross_entropy(model(x), y)",
        "backward": "value.backward()",
        "step": "optimizer.step()",
    }
    return "\n    ".join(["def one_step(model, optimizer, x, y):", *map(lines.get, order), "return value"])


# Exercise -> wrong answers: what of the solution is replaced ("": all of it), by what, and what the check must say.
WRONG: dict[str, dict[int, list[tuple[str, str, str]]]] = {
    "00_start_here": {
        1: [
            ("0.45", "0.55", "on the other side of the floor"),
            ("0.45", "0.9", "the slope at 10 is 20"),
            ("0.45", "0.1", "One tenth is what should be left"),
            ("0.45", "9", "how long the step is"),
            ("0.45", "0.3", "too small"),
            ("0.45", '"0.45"', "without quotation marks"),
            ("0.45", "4.5", "10 times too large"),
            ("my_rate", "lr", "There is no `my_rate` here yet"),
        ],
        2: [
            ("w - lr * g", "w + lr * g", "a step goes against the gradient"),
            ("w - lr * g", "w - g", "without the learning rate"),
            ("w - lr * g", "w - lr^g", "^ is not a power in Python: write ** in your line"),
            ("w - lr * g", "-lr * g", "returns the step alone"),
            ("w - lr * g", "w - 0.2 * g", "is it written as a number?"),
            ("w - lr * g", "w - lr * 2 * w", "The gradient comes ready-made as `g`"),
            ("w - lr * g", "w - lr * 3 * w", "the first step must lead to"),
            ("return w - lr * g", "w = w - lr * g", "is there a return?"),
            ("return w - lr * g", "w -= lr * g\n    return w", "It changes params in place"),
            ("(w, g, lr)", "(w, g, rate)", "It is given lr by its name, and yours takes rate: call it lr."),
            ("def update(w, g, lr):\n    return w - lr * g",
             "def update(w, lr, g):\n    return w - lr * g", "It is called with params, grads, lr"),
            ("w - lr * g", "w - lr * g,", "is there a comma at the end of the line?"),
        ],
        3: [
            ("2 * (w - 3)", "2 * w", "walks to 0"),
            ("2 * (w - 3)", "(w - 3)", "The 2 is missing"),
            ("2 * (w - 3)", "(2 * w - 3)", "The brackets are missing"),
            ("w - lr", "w + lr", "goes uphill"),
            ("    return w", "        return w", "is the return inside the loop"),
            ("range(steps)", "range(1, steps)", "one step too few"),
            ("range(steps)", "range(steps + 1)", "one step too many"),
            ("    return w", "    print(w)", "is there a `return`?"),
            ("    for _ in range(steps):\n        w = w - lr * 2 * (w - 3)\n    return w",
             "    slope = 2 * (w - 3)\n    for _ in range(steps):\n        w = w - lr * slope\n    return w",
             "compute it anew"),
        ],
    },
    "01_linear_regression": {
        1: [
            ('diabetes("bp")', 'diabetes("bmi")', "the loss of the body-mass index"),
            ("s.minima[0]", "[0.0, 0.0]", "Take it where it is lowest"),
            (".item()", ".item() ** 0.5", "The mean squared error itself"),
            (".item()", ".item() / 2", "has no 1/2"),
            (".item()", ".item() * 442", "take the mean"),
            ("s(torch.tensor(s.minima[0])).item()", "y.var(correction=0)", "a level line"),
            ("s(torch.tensor(s.minima[0])).item()", "4000", "too small"),
            ("s(torch.tensor(s.minima[0])).item()", '"bmi"', "number"),
            ("lowest =", "lowst =", "You have `lowst`"),
        ],
        2: [
            (" + 20 * w", "", "The penalty is missing"),
            ("+ 20 * w", "+ 10 * w**2", "adds the penalty itself"),
            ("20 * w", "20 * w + float('inf')", "At (3, 100) it gives infinity"),
            ("20 * w", "20 * w + float('nan')", "At (3, 100) it gives NaN (not a number)"),
            ("+ 20 * w", "+ 10 * w", "The penalty's own 2 is missing"),
            ("+ 20 * w", "+ 20 * w / len(x)", "do not divide it by n"),
            ("db = (2 * residual).mean()", "db = (2 * residual).mean() + 20 * b", "Only w is penalised"),
            ("dw = (2 * residual", "dw = (residual", "At (3, 100) it must be"),
            ("* x).mean()", "* x)", "A mean or a sum over the examples is missing"),
            ("20 * w", "20 * weight", "NameError in your line `dw = (2"),
            ("+ 20 * w", "- 20 * w", "added, not subtracted"),
            ("2 * residual", "residual", "The 2 of the squared errors is missing"),
            (".mean()", ".sum()", "the mean over the patients, not the sum"),
        ],
        3: [
            (".mean(-1)", ".sum(-1)", "parabola_loss: That is the sum over the examples; take the mean"),
            (".mean(-1)", "", "It must return one number"),
            ("(residual**2).mean(-1)", "residual.abs().mean(-1)", "not squared"),
            ("(residual**2).mean(-1)", "(residual**2).mean(-1) ** 0.5", "the root of it"),
            ("* x**2", "* x", "multiply the square of x"),
            ("+ p[..., 2:]", "", "The b is missing"),
            (" - y", "", "The y is missing"),
            ("p[..., :1] * x**2 + p[..., 1:2] * x + p[..., 2:]",
             "p[..., 2:] * x**2 + p[..., 1:2] * x + p[..., :1]", "a, w, b"),
            ("steps=400", "steps=5", "more steps"),
            ("lr=0.1", "lr=0.5", "my_fit: It diverges: take a smaller lr"),
        ],
    },
    "02_learning_rate": {
        1: [
            ("2 / 6", "1 / 6", "limit: That is 1 / L, where the zig-zag begins"),
            ("limit = 2 / 6", "limit = math.nan", "limit: A finite number is wanted; yours is NaN (not a number)"),
            ("2 / 6", "2 / 3", "the curvature is the second derivative"),
            ("2 / 6", "2 / 7", "this is the best rate"),
            ("2 / 6", "2 / 0.5", "1/2 is the factor of y²"),
            ("limit = 2 / 6", "limit = 6", "That is L, the largest curvature"),
            ("2 / (6 + 1)", "2 / (6 + 0.5)", "its curvature, the second derivative, is 1"),
            ("2 / 6", '"2 / 6"', "without quotation marks"),
            ("limit = 2 / 6", "limits = 2 / 6", "You have `limits`"),
            ("2 / (6 + 1)", "...", "Replace the three dots"),
            ("2 / (6 + 1)", "2 / 6", "bounces forever"),
            ("2 / (6 + 1)", "1 / (6 + 1)", "half of it"),
            ("2 / (6 + 1)", "1 / 6", "gone in one step"),
            ("2 / (6 + 1)", "(6 + 1) / 2", "Turned upside down"),
            ("2 / (6 + 1)", "0.3", "best_rate: It is too large"),
            ("2 / (6 + 1)", "2 / 6 + 1", "The brackets are missing"),
            ("2 / 6", "0.36", "limit: It is too large"),
        ],
        2: [
            ("math.ceil", "math.floor", "Round up"),
            ("math.ceil", "", "not rounded yet"),
            ("math.log(share)", "math.log(1e-6)", "The share must come in"),
            ("(kappa - 1) / (kappa + 1)", "1 - 1 / kappa", "the factor of the rate 1 / L"),
            ("math.log((kappa - 1) / (kappa + 1))", "(-2 / kappa)", "not an approximation"),
            ("(kappa - 1) / (kappa + 1)", "(kappa + 1) / (kappa - 1)", "The sign"),
            ("math.log(share) / math.log((kappa - 1) / (kappa + 1))",
             "math.log((kappa - 1) / (kappa + 1)) / math.log(share)", "Upside down"),
            ("    return math.ceil", "    n = math.ceil", "is there a `return`?"),
            ("kappa - 1", "k - 1", "NameError in your line"),
            ("(kappa - 1) / (kappa + 1)", "kappa - 1 / kappa + 1", "The brackets are missing"),
        ],
        3: [
            ("0.5 if step < 30 else 0.5 * 0.75 ** (step - 30)", "0.5", "It still bounces at the end"),
            ("0.5 if step < 30 else 0.5 * 0.75", "0.6 if step < 30 else 0.6 * 0.8", "It still bounces at the end"),
            ("step < 30", "step < 54", "It has stalled"),
            ("30 else 0.5 * 0.75 ** (step - 30)", "40 else 0.001", "It has stalled"),
            ("step < 30", "step < 50", "It has stalled"),
            ("0.5 if step < 30 else 0.5 * 0.75 ** (step - 30)", "0.5 * 0.9**step", "stay large for longer"),
            ("0.5 if step < 30 else 0.5 * 0.75 ** (step - 30)", "0.5 if step < 30 else ...", "Not attempted yet"),
            ("0.5 if step < 30 else 0.5 * 0.75 ** (step - 30)", "0.5 - step / 60", "a positive number for each step"),
            ("0.5 if step < 30 else 0.5 * 0.75 ** (step - 30)", '"0.5"', "a positive number for each step"),
            ("return ", "rate = ", "a positive number for each step"),
            ("(step)", "()", "TypeError"),
        ],
    },
    "03_sgd_noise": {
        1: [
            ("0.05 * 256 / 32", "0.05 * 32 / 256", "The other way round"),
            ("0.05 * 256 / 32", "0.05 * 8**0.5", "keeps lr² / B"),
            ("0.05 * 256 / 32", "0.05", "would fall to an eighth"),
            ("0.05 * 256 / 32", '"0.4"', "without quotation marks"),
            ("256 / 32", "256", "256 / 32, not 256"),
            ("0.05 * 256 / 32", "256 / 32", "multiply the old rate by it"),
            ("0.05 * 256 / 32", "0.05 / 32", "multiply it by the new batch size"),
            ("0.05 * 256 / 32", "0.8", "It is too large"),
            ("new_rate", "newrate", "You have `newrate`"),
        ],
        2: [
            (".mean()", ".sum()", "divide by the size of the minibatch"),
            (".mean()", ".sum() / n", "the minibatch has only 4"),
            (".mean()", ".mean() / len(i)", "Divided twice"),
            ("patients.x[i], patients.y[i]", "patients.x, patients.y", "use only those of i"),
            ("(2 * residual", "(residual", "half the loss"),
            ("w * x + b - y", "y - w * x - b", "The sign is wrong"),
            ("return dw, db", "return db, dw", "changed places"),
            ("    x, y = patients.x[i], patients.y[i]\n    residual = w * x + b - y\n    dw = (2 * residual * x)",
             "    residual = w * x[i] + b - patients.y[i]\n    dw = (2 * residual * x[i])", "name 'x' is not defined"),
            ("(2 * residual * x).mean()", "(2 * residual).mean()", "dw lacks its x"),
            ("w * x + b - y", "w * x - y", "The b is missing"),
            ("* x).mean()", "* x)", "A mean or a sum over the examples is missing"),
            ("(2 * residual).mean()", "...", "○ Not attempted yet."),
        ],
        3: [
            ("0.5 / (1 + step)", "0.1", "and then it shakes"),
            ("0.5 / (1 + step)", "0.1 if step < 100 else 0.003", "is frozen in"),
            ("0.5 / (1 + step)", "0.1 if step < 100 else 0.03", "end with smaller rates"),
            ("0.5 / (1 + step)", "0.5 * 0.9**step", "fall sooner, but more slowly"),
            ("0.5 / (1 + step)", "float('nan')", "lr must be positive"),
            ("0.5 / (1 + step)", "0.05 / (1 + step)", "keep the rate large for longer"),
            ("0.5 / (1 + step)", "1.5", "It diverges"),
            ("GradientDescent(lr=0.5 / (1 + step))", "0.5 / (1 + step)", "not the rate alone"),
            ("1 + step", "step", "ZeroDivisionError in your line `return"),
            ("lr=0.5 / (1 + step)", "lr=0.1 - 0.001 * step", "lr must be positive"),
        ],
    },
    "04_momentum_and_adam": {
        1: [
            (" ** 2", "", "the fraction is squared"),
            ("(5 - 1) / (5 + 1)", "(25 - 1) / (25 + 1)", "the root of kappa, not kappa"),
            ("((5 - 1) / (5 + 1)) ** 2", "(25 - 1) / (25 + 1)", "plain gradient descent"),
            ("((5 - 1) / (5 + 1)) ** 2", "4 / 36", "the best learning rate"),
            ("((5 - 1) / (5 + 1))", "(5 - 1 / 5 + 1)", "The brackets are missing"),
            ("((5 - 1) / (5 + 1)) ** 2", "0.9", "too large"),
            ("((5 - 1) / (5 + 1)) ** 2", '"4/9"', "you have text"),
            ("best_momentum", "best_moment", "You have `best_moment`"),
        ],
        2: [
            ("(1 - alpha) * grads**2", "(1 - alpha) * grads", "the gradient in v where its square belongs"),
            ("alpha * v + (1 - alpha)", "(1 - alpha) * v + alpha", "alpha and 1 - alpha exchanged"),
            ("(1 - alpha) * grads**2", "grads**2", "the whole square in v"),
            ("alpha * v + (1 - alpha) * grads**2", "v + grads**2", "AdaGrad"),
            ("(v.sqrt() + eps)", "(v + eps)", "without the root"),
            ("(v.sqrt() + eps)", "(v + eps).sqrt()", "eps inside the root"),
            ("params - lr", "params + lr", "a plus where the minus belongs"),
            ("), v", ")", "each step starts afresh"),
            ("alpha * v + (1 - alpha)", "(1 - alpha)", "use the old mean v, and return the new one"),
            ("params - lr", "-lr", "it returns the step alone"),
            ("grads**2", "(grads**2).sum()", "one sum of squares for all coordinates"),
            ("grads**2", "(grads**2).mean()", "the mean square of all coordinates"),
            ("grads**2", "grads.abs()", "the sizes of gradients in v"),
            ("/ (v.sqrt() + eps)", "/ v.sqrt() + eps", "(or without its brackets)"),
            ("alpha", "α", "It is given alpha by its name, and yours takes α: call it alpha."),
            ("alpha * v + (1 - alpha)", "beta * v + (1 - beta)", "`beta` is read from the page"),
            ("(1 - alpha) * grads**2", "(1 - alpha)(grads**2)", "Is a * missing before the bracket?"),
            ("params - lr * grads / (v.sqrt() + eps), v", "v, params - lr * grads / (v.sqrt() + eps)",
             "What you return first is v"),
            ("v.sqrt()", "v**1 / 2", "Python reads as half of v"),
            ("alpha * v + (1 - alpha)", "alpha * v + 1 - alpha", "lacks its brackets"),
            ("params - lr * grads / (v.sqrt() + eps)", "...", "○ Not attempted yet."),
            ("alpha * v + (1 - alpha) * grads**2", "...", "○ Not attempted yet."),
        ],
        3: [
            ("params - self.lr", "params + self.lr", "the sign is wrong"),
            ("grads.sign()", "grads", "This is GradientDescent."),
            ("self.lr * grads.sign()", "grads.sign()", "the learning rate is missing"),
            ("self.lr * grads.sign()", "0.15 * grads.sign()", "is it written as a number?"),
            ("grads.sign()", "grads / grads.norm()", "take the sign of each coordinate instead"),
            ("grads.sign()", "params.sign()", "the sign of the weights"),
            ("grads.sign()", "grads.abs()", "the sign, without the size"),
            ("self.lr * grads", "lr * grads", "`lr` is read from the page"),
            ("grads.sign()", "grads / grads.abs()", "Where a gradient is zero it goes wrong. Step 1 is NaN"),
            ("grads.sign(), state", "grads.sign()", "update returns two things"),
            ("SignDescent", "Signdescent", "You have `Signdescent`"),
            ("lr):\n        self.lr = lr", "rate):\n        self.lr = rate", "__init__ is given lr by its name"),
            ("lr):\n        self.lr = lr", "rate=0.1):\n        self.lr = rate", "__init__ is given lr by its name"),
            ("grads.sign()", "grad.sign()", "NameError in your line `return params"),
        ],
    },
    "05_training_networks": {
        1: [
            ("8 * 29", "8", "one for each epoch"),
            ("8 * 29", "29", "one epoch of minibatches"),
            ("8 * 29", "8 * 28", "smaller, and it counts"),
            ("8 * 29", "8 * 1437 / 50", "no part of an update"),
            ("8 * 29", "8 * 1437 // 50 + 1", "Round up in each epoch"),
            ("8 * 29", "8 * 50", "How many minibatches does an epoch have?"),
            ("8 * 29", "8 * 1437", "not for each digit"),
            ("8 * 29", '"232"', "Write the number alone"),
            ("updates", "update", "You have `update`"),
        ],
        2: [  # all orders in which value is there for backward, and some in which it is not
            ("", one_step("value", "backward", "zero", "step"), "Nothing moved"),
            ("", one_step("zero", "value", "step", "backward"), "Nothing moved"),
            ("", one_step("value", "zero", "step", "backward"), "Nothing moved"),
            ("", one_step("value", "step", "backward", "zero"), "Nothing moved"),
            ("", one_step("step", "value", "backward", "zero"), "Nothing moved"),
            ("", one_step("zero", "step", "value", "backward"), "Nothing moved"),
            ("", one_step("value", "step", "zero", "backward"),
             "in your line `value.backward()`: step() changed the weights before"),
            ("", one_step("step", "zero", "value", "backward"), "the backward() of its own loss"),
            ("", one_step("step", "value", "zero", "backward"), "the backward() of its own loss"),
            ("", one_step("value", "zero", "backward", "step"), "✓ Right."),
            ("", one_step("value", "backward", "step", "zero"), "✓ Right."),
            ("", one_step("zero", "backward", "value", "step"), "UnboundLocalError in your line `value.backward()`"),
            ("", one_step("backward", "step", "zero", "value"), "UnboundLocalError in your line `value.backward()`"),
            ("", one_step("value", "backward", "step"), "the sum of both gradients"),
            ("", one_step("zero", "value", "backward"), "Nothing moved"),
            ("", one_step("zero", "value", "step"), "Nothing moved"),
            ("    return value\n", "", "Return the value"),
            ("return value", "return ...", "Not attempted yet"),
            ("model(x), y", "model(y), x", "in your line `value = cross_entropy"),
            ("one_step", "onestep", "You have `onestep`"),
        ],
        3: [
            ("velocity = self.momentum * velocity + grads",
             "velocity = self.momentum * velocity + grads + self.decay * params", "yours leads to"),
            ("velocity + grads\n        return params - self.lr * velocity - self.lr * self.decay * params",
             "velocity + grads + self.decay * params\n        return params - self.lr * velocity", "that is L2"),
            (" - self.lr * self.decay * params", "", "do not decay"),
            ("- self.lr * self.decay * params", "- self.decay * params", "lacks the learning rate"),
            ("return params - self.lr * velocity - self.lr * self.decay * params",
             "return (1 - self.lr * self.decay) * (params - self.lr * velocity)", "before the step"),
            ("+ grads", "+ (1 - self.momentum) * grads", "added to the velocity unscaled"),
            ("velocity = self.momentum", "new = self.momentum", "yours leads to"),
            ("self.decay * params, velocity", "self.decay * params, params", "Step 2 is the first that is wrong"),
            ("self.lr * velocity", "self.lr * grads", "Step 2 is the first that is wrong"),
            ("self.decay * params, velocity", "self.decay * params", "update returns two things"),
            ("self.momentum * velocity", "0.8 * velocity", "momentum=0.4 it is not"),
            ("self.decay * params", "decay * params", "NameError in your line `return params"),
            ("velocity = self.momentum * velocity + grads",
             "velocity *= self.momentum\n        velocity += grads", "✓ Right."),
            ("DecayedMomentum", "MomentumDecayed", "There is no `DecayedMomentum`"),
            ("self.momentum * velocity", "momentum * velocity", "`momentum` is read from the page, where it is <class"),
        ],
    },
    "06_language_recogniser": {
        1: [
            ("12 + 11 + 10", "27", "the two ends count as letters"),
            ("12 + 11 + 10", "3 * 12", "cannot begin at the last letter"),
            ("12 + 11 + 10", "29", "also begin or end a run of two or three"),
            ("12 + 11 + 10", 'len(set(ngrams("Kopenhagen")))', "occurs twice counts twice"),
            ("12 + 11 + 10", "12", "and the runs of two and of three"),
            ("12 + 11 + 10", "10", "and the runs of two and of three"),
            ("12 + 11 + 10", 'ngrams("Kopenhagen")', "One number is wanted"),
            ("many", "much", "There is no `many` here yet"),
        ],
        2: [
            (" * (numbers != 0)[..., None]", "", "padding was added as well"),
            (".sum(1)", ".mean(1)", "A mean: add them up"),
            (".sum(1)", ".sum(1) / (numbers != 0).sum(1)[:, None]", "A mean: add them up"),
            (".sum(1)", ".sum(2)", "It must return the shape (2, 4); yours has the shape (2, 3)"),
            (".sum(1)", "", "It must return the shape (2, 4); yours has the shape (2, 3, 4)"),
            ("(numbers != 0)", "numbers", "multiplied by its number"),
            ("numbers != 0", "numbers == 0", "the padding alone"),
            ("(numbers != 0)", "mask", "NameError in your line"),
            ("[..., None]", "", "RuntimeError in your line `return (table[numbers]"),
            ("table[numbers]", "table[numbers - 1]", "number k is row k"),
            ("    return (table", "    (table", "is there a `return`?"),
            ("    return", "    table[0] = 0\n    return", "changes its arguments in place"),
        ],
        3: [
            ("(self.limit / grads.norm()).clamp(max=1)", "1", "Nothing is clipped"),
            ("grads * (self.limit / grads.norm()).clamp(max=1)", "grads.clamp(-self.limit, self.limit)",
             "turns the gradient"),
            (".clamp(max=1)", "", "stays as it is"),
            ("(self.limit / grads.norm()).clamp(max=1)", "(1 / grads.norm()).clamp(max=1)", "gets the length 1"),
            ("self.limit / grads.norm()", "grads.norm() / self.limit", "upside down"),
            ("grads.norm()", "(grads**2).sum()", "the root of the sum of squares"),
            ("grads.norm()", "grads.abs().max()", "yours leads to"),
            ("self.limit / grads", "limit / grads", "NameError in your line `shorter = grads * (limit"),
            ("self.limit / grads", "2.0 / grads", "is it written as a number?"),
            ("shorter = grads * (self.limit / grads.norm()).clamp(max=1)",
             "grads *= (self.limit / grads.norm()).clamp(max=1)\n        shorter = grads", "changes grads in place"),
            ("return self.rule.update(params, shorter, state)", "return shorter", "update returns two things"),
            ("self.rule.update(params, shorter", "self.rule.update(shorter, params", "yours leads to"),
            ("return self.rule.update(params, shorter, state)",
             "return params - self.rule.lr * shorter, state", "Step 2 is the first that is wrong"),
            ("Clipped", "Clip", "There is no `Clipped` here yet"),
            ("self.rule.update", "rule.update", "`rule` is read from the page, where it is GradientDescent"),
        ],
    },
    "07_failure_zoo": {
        1: [
            ('"counter"', '"no correction"', "That is not the one in A"),
            ('"average"', '"averge"', "suspect_b: Choose one of"),
            ('"multiplies"', "...", "The first part is right. Now the next one."),
        ],
        2: [
            ("torch.maximum(v_max, v)", "v", "Or it is Adam: its steps are the same"),
            ("torch.maximum(v_max, v)", "v_max", "a v_max that never changes"),
            ("torch.maximum(v_max, v)", "max(v_max, v)", "One number is wanted in your line `v_max = max(v_max, v)`"),
            ("v_max / (1 - beta2**t)", "v_max", "a v_max whose bias is not corrected"),
            ("torch.maximum(v_max, v)", "torch.maximum(v_max, grads**2)", "the square of the gradient in v_max"),
            ("torch.maximum(v_max, v)", "v.max()", "the largest of all coordinates in v_max"),
            ("params - lr", "-lr", "it returns the step alone"),
        ],
        3: [
            ("(10, 10)", "(100, 100)", "One diverges"),
            ("(10, 10)", "(-1, 1)", "Both must be positive"),
            ("(10, 10)", "torch.tensor([10.0, 10.0])", "✓ Right."),
            ("(10, 10)", '("ten", "ten")', "ValueError"),
            ("(0.01, 0.01)", "(1, 0.01)", "Adam does not win"),
        ],
    },
    "08_since_adam": {
        1: [
            ("2 / ((1 - 0.8) * 4)", "2 / 4", "the limit of gradient descent"),
            ("2 / ((1 - 0.8) * 4)", "2 / (0.8 * 4)", "divides by beta"),
            ("2 / ((1 - 0.8) * 4)", "2 * (1 + 0.8) / 4", "the limit of the heavy ball"),
            ("2 / ((1 - 0.8) * 4)", "2 / (1 - 0.8)", "here it is 4"),
            ("2 / ((1 - 0.8) * 4)", "2 / (1 - 0.8) * 4", "The brackets are missing"),
            ("2 / ((1 - 0.8) * 4)", '"2.5"', "without quotation marks"),
        ],
        2: [
            ("(beta1 * m + (1 - beta1) * grads).sign()",
             "(beta2 * m + (1 - beta2) * grads).sign()", "the step has beta1"),
            ("beta2 * m + (1 - beta2) * grads", "beta1 * m + (1 - beta1) * grads", "m has beta2"),
            ("(beta1 * m + (1 - beta1) * grads).sign()", "grads.sign()", "the sign of the gradient alone"),
            ("(beta1 * m + (1 - beta1) * grads).sign()", "m.sign()", "with the sign of m alone"),
            ("params - lr * direction", "params + lr * direction", "goes against the gradient"),
            (".sign()", "", "without the sign"),
            ("",
             "def my_lion(params, grads, m, lr, beta1, beta2):\n"
             "    m = beta1 * m + (1 - beta1) * grads\n"
             "    direction = m.sign()\n"
             "    m = beta2 * m + (1 - beta2) * grads\n"
             "    return params - lr * direction, m",
             "keep the mix under another name"),
            ("beta1 * m + (1 - beta1) * grads", "(1 - beta1) * m + beta1 * grads", "alone, or nearly"),
            ("beta2 * m + (1 - beta2) * grads", "direction", "the direction in the memory"),
            ("beta2 * m + (1 - beta2) * grads", "(beta2 * m + (1 - beta2) * grads).sign()", "the sign of the new m"),
            ("beta2 * m + (1 - beta2) * grads", "(1 - beta2) * m + beta2 * grads", "beta2 and 1 - beta2 exchanged"),
            ("beta2 * m + (1 - beta2) * grads", "beta2 * m + (1 - beta2) * lr * grads", "is the first that is wrong"),
        ],
        3: [
            ("optimizers.newton_schulz(ahead)", "optimizers.newton_schulz(M)", "with M where the step looks ahead"),
            ("optimizers.newton_schulz(ahead)", "ahead.sign()", "with the sign of each number"),
            ("max(1, m / n) ** 0.5 * ", "", "without the factor sqrt(max(1, m / n))"),
            ("m / n", "m // n", "or with m // n, which rounds it"),
            ("m / n", "n / m", "with n / m in the factor"),
            ("max(1, m / n) ** 0.5", "max(1, m / n)", "without the root in the factor"),
            ("max(1, m / n) ** 0.5", "max(1, m / n) ** 1 / 2", "reads as half of it"),
            ("max(1, m / n) ** 0.5", "max(m, n) ** 0.5", "with max(m, n) in the factor"),
            ("max(1, m / n) ** 0.5", "torch.sqrt(max(1, m / n))", "for a number there is math.sqrt"),
            ("newton_schulz(ahead)", "newton_schulz(grads)", "with the gradient alone orthogonalised"),
            ("(1 - lr * weight_decay) * params", "params", "without the decay"),
            ("optimizers.newton_schulz(ahead)", "ahead / ahead.norm()", "without Newton-Schulz"),
            ("",
             "def my_muon(params, grads, M, lr, momentum, weight_decay):\n"
             "    M = momentum * M + (1 - momentum) * optimizers.newton_schulz(grads)\n"
             "    ahead = momentum * M + (1 - momentum) * optimizers.newton_schulz(grads)\n"
             "    m, n = params.shape[-2:]\n"
             "    return (1 - lr * weight_decay) * params - lr * max(1, m / n) ** 0.5 * ahead, M",
             "orthogonalises the gradient before the momentum is added"),
        ],
    },
    "09_loss_curves": {
        1: [
            ('"validation leaks"', '"mean of means"', "A: Begin at the top of the list"),
            ('"validation leaks"', '"no backward pass"', "A: If it were that, the answer here would be yes: Is every"),
            ('"validation leaks"', '"leak"', "A: Choose one of"),
            ('"decay through Adam"', '"rate too low"', "B: Compare the length of the weights"),
            ('"decay through Adam"', '"dead units"', "B: If it were that, the answer here would be yes: Is a"),
            ('"schedule ends too early"', '"rate too low"', "C: Look at the rate in the step"),
            ('"schedule ends too early"', '"labels wrong"', "C: If it were that"),
        ],
        2: [
            ("", "def clip(gradients, most):\n    return [g * min(1, most / g.norm()) for g in gradients]",
             "Each layer is cut by itself"),
            ("", "def clip(gradients, most):\n    return [g.clamp(-most, most) for g in gradients]",
             "Each number is cut by itself"),
            ("sum(g.square().sum() for g in gradients) ** 0.5", "sum(g.norm() for g in gradients)",
             "The lengths are added"),
            (" ** 0.5", "", "The root is missing"),
            ("sum(g.square().sum() for g in gradients) ** 0.5", "max(g.abs().max() for g in gradients)",
             "the largest number"),
            ("most / length", "length / most", "upside down"),
            ("min(1, most / length)", "most / length", "A short gradient is made longer"),
            ("", "def clip(gradients, most):\n    for g in gradients:\n        g *= 0.5\n    return gradients",
             "It changes its arguments in place"),
        ],
        3: [
            ("sum(n * g for g, n in zip(gradients, counts)) / sum(counts)", "sum(gradients) / len(gradients)",
             "the mean of means"),
            ("sum(n * g for g, n in zip(gradients, counts)) / sum(counts)", "sum(gradients)", "added and not divided"),
            (" / sum(counts)", "", "not divided by their sum"),
            ("sum(counts)", "len(counts)", "divided by the number of parts"),
            ("sum(n * g for g, n in zip(gradients, counts)) / sum(counts)",
             "sum(g / n for g, n in zip(gradients, counts)) / sum(1 / n for n in counts)", "The other way round"),
        ],
    },
}  # fmt: skip
SOLUTION = re.compile(r"<details><summary>Solution</summary>\s+```python\n(.*?)```", re.S)
seen: dict[str, list["Answer"]] = {}  # stem of a notebook -> all answers


class Exercise(NamedTuple):
    """The sources of the empty cell, of the check below it, and of the solution."""

    empty: str
    check: str
    solution: str


class Answer(NamedTuple):
    """An answer to the exercise of this number, what the check must say (part of it), and what it says."""

    number: int
    source: str
    expected: str
    said: str


def exercises(notebook: nbformat.NotebookNode) -> list[Exercise]:
    """The exercises of a notebook: a cell with the tag exercise, one with the tag check, one with the solution."""
    cells = notebook.cells
    places = [i for i, cell in enumerate(cells) if "exercise" in cell.metadata.get("tags", [])]
    assert all(cells[i + 1].metadata.get("tags") == ["check"] for i in places)
    return [Exercise(cells[i].source, cells[i + 1].source, SOLUTION.match(cells[i + 2].source)[1]) for i in places]


def answers(path: Path) -> Iterator[tuple[int, Exercise, str, str]]:
    """Number, exercise, source and expected words: of the empty cell, of wrong answers, of the solution."""
    for number, exercise in enumerate(exercises(nbformat.read(path, as_version=4)), 1):
        yield number, exercise, exercise.empty, "○ Not attempted yet."
        for old, new, expected in WRONG.get(path.stem, {}).get(number, []):
            assert old in exercise.solution, f"{path.stem}, {number}: the solution has no {old!r}"
            yield number, exercise, exercise.solution.replace(old, new) if old else new, expected
        yield number, exercise, exercise.solution, "✓ Right."


def run_all(path: Path, run: Callable[[str], str]) -> list[Answer]:
    """All answers to the exercises of a notebook; run(code) -> what the cell prints and shows, in its kernel."""
    found = []
    run("import gdviz.exercises as e\ne.two_ways = lambda *_: None")  # the words are compared, not the pictures
    for number, exercise, source, expected in answers(path):
        names = {name for part in ast.parse(exercise.solution).body for name in defined(part)}
        run(f"for name in {sorted(names)}: globals().pop(name, None)")
        run(source)
        found.append(Answer(number, source, expected, run(exercise.check)))
    return found


def defined(statement: ast.stmt) -> set[str]:
    """The names that a statement at the top of a cell defines."""
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return {statement.name}
    return {node.id for node in ast.walk(statement) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}


def of(path: Path) -> list[Answer]:
    """What the checks of a notebook said, in the kernel in which nbval has just run it, or in one of their own."""
    if path.stem not in seen:
        notebook = nbformat.read(path, as_version=4)
        client = NotebookClient(
            notebook, timeout=600, allow_errors=True, resources={"metadata": {"path": str(path.parent)}}
        )
        with client.setup_kernel():
            for i, cell in enumerate(notebook.cells):
                client.execute_cell(cell, i)

            def run(code: str) -> str:
                cell = nbformat.v4.new_code_cell(code)
                client.execute_cell(cell, 0)
                return "".join(map(words, cell.outputs))

            seen[path.stem] = run_all(path, run)
    return seen[path.stem]


def words(output: dict) -> str:
    """What an output or a message says as text."""
    return output.get("text") or output.get("data", {}).get("text/plain") or output.get("evalue") or ""
