# Logistic regression in AWK, trained by stochastic gradient descent and told to fairtune.
# Variables: lr (learning rate), keep ("mean": judge the mean of the weights of all steps so far,
# else the last ones), seed, epochs, part (which rows train, validate and test).

function random() {  # Park and Miller's generator: the same numbers in every AWK
    state = (state * 16807) % 2147483647
    return state / 2147483647
}
function row(  i, score) {  # 20 numbers x, and a class y that is wrong for one row in ten
    for (i = 1; i <= 20; i++) {
        x[i] = 2 * random() - 1
        score += (i % 5 - 2) * x[i]
    }
    y = (score > 0) != (random() < 0.1)
}
function answer(weights,  i, score) {
    for (i = 1; i <= 20; i++) score += weights[i] * x[i]
    return 1 / (1 + exp(-score))
}
function accuracy(start, rows,  right, r) {  # of the part that begins at that state
    state = start
    for (r = 1; r <= rows; r++) {
        row()
        right += (answer(judged) > 0.5) == y
    }
    return right / rows
}

BEGIN {
    noise = seed % 2147483646 + 1
    own = part % 2147483600
    for (epoch = 1; epoch <= epochs; epoch++) {
        state = own + 11
        for (r = 1; r <= 200; r++) {  # the same 200 rows in every epoch
            row()
            here = state
            state = noise
            drop = random() < 0.2     # and a fifth of them left out, by the seed
            noise = state
            state = here
            if (drop) continue
            steps++
            slope = answer(w) - y
            for (i = 1; i <= 20; i++) {
                w[i] -= lr * slope * x[i]
                sum[i] += w[i]
            }
        }
        for (i = 1; i <= 20; i++) judged[i] = keep == "mean" ? sum[i] / steps : w[i]
        printf "{\"epoch\": %d, \"metrics\": {\"val/accuracy\": %.4f}}\n", epoch, accuracy(own + 22, 1000)
        fflush()
    }
    printf "{\"test\": {\"accuracy\": %.4f}}\n", accuracy(own + 33, 5000)
}
